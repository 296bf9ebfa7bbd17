/** What of a file can be shown as text, and how text becomes bytes again. */

/** Larger files are offered for download only: the editor would become slow and drafts unbounded. */
export const LARGEST_TEXT_BYTES = 5 * 1024 * 1024;

export type Decoded = { kind: 'text'; text: string } | { kind: 'binary' } | { kind: 'large' };

/** UTF-8 without NUL is text; everything else is left alone. */
export function decodeText(bytes: Uint8Array): Decoded {
  if (bytes.length > LARGEST_TEXT_BYTES) return { kind: 'large' };
  if (bytes.includes(0)) return { kind: 'binary' };
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { kind: 'binary' };
  }
}

export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** An entity tag without quotes and weakness, so that the tree's and the header's compare equal. */
export function bareEtag(etag: string | null | undefined): string {
  return (etag ?? '').replace(/^W\//, '').replaceAll('"', '');
}

/** Name for a copy of the user's own version, next to the original. */
export function conflictName(path: string, now: Date = new Date()): string {
  const stamp = now.toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '-');
  const slash = path.lastIndexOf('/') + 1;
  const dot = path.lastIndexOf('.');
  const cut = dot > slash ? dot : path.length;
  return `${path.slice(0, cut)} (mine ${stamp})${path.slice(cut)}`;
}
