/** Reads the two contents that are to be compared. */
import { fileUrl, readFile } from '@/api/files';
import { ApiError } from '@/api/problem';
import type { Item, Version } from '@/api/types';
import { readVersion, versionUrl } from '@/api/versions';
import { LARGEST_TEXT_BYTES, decodeText } from '@/features/editor/file-text';
import { extensionOf } from '@/lib/paths';

/** One side: a version of a file, or what is at its path now. */
export type Side =
  { kind: 'version'; version: Version } | { kind: 'present'; path: string; item: Item | null };

export type Content =
  | { kind: 'text'; text: string }
  | { kind: 'image' | 'binary' | 'large'; size: number; url: string }
  | { kind: 'none' };

/** What a browser draws; SVG is text as well, and is compared as such. */
const IMAGES = new Set(['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'bmp', 'ico']);

export async function readSide(session: string, side: Side): Promise<Content> {
  if (side.kind === 'version') {
    const { version } = side;
    if (version.kind !== 'file') return { kind: 'none' };
    const url = versionUrl(session, version);
    return contentOf(version.path, version.size, url, () => readVersion(session, version));
  }
  const { path, item } = side;
  if (item?.kind !== 'file') return { kind: 'none' };
  try {
    return await contentOf(path, item.size, fileUrl(session, path), () => readFile(session, path));
  } catch (error) {
    // Gone since the tree was told.
    if (error instanceof ApiError && error.status === 404) return { kind: 'none' };
    throw error;
  }
}

async function contentOf(
  path: string,
  size: number,
  url: string,
  read: () => Promise<{ bytes: Uint8Array }>,
): Promise<Content> {
  if (IMAGES.has(extensionOf(path))) return { kind: 'image', size, url };
  if (size > LARGEST_TEXT_BYTES) return { kind: 'large', size, url };
  const { bytes } = await read();
  const decoded = decodeText(bytes);
  return decoded.kind === 'text' ? decoded : { kind: decoded.kind, size: bytes.length, url };
}
