/** The beginning of a file as text, if it is text. */

/** How much of a large file is shown. */
export const HEAD_BYTES = 1024 * 1024;

/** UTF-8 without NUL, as for whole files; a character the cut went through is left out. */
export function decodeHead(bytes: Uint8Array, whole: boolean): string | null {
  if (bytes.includes(0)) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !whole });
    // Up to the last whole line, unless there is only one.
    const end = whole ? -1 : text.lastIndexOf('\n');
    return end > 0 ? text.slice(0, end + 1) : text;
  } catch {
    return null;
  }
}
