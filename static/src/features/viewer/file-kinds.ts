/** What else than text a file may be shown as, judged by its name. */
import { extensionOf } from '@/lib/paths';

/** Pictures are read whole; a larger one is shown as bytes. */
export const LARGEST_IMAGE_BYTES = 32 * 1024 * 1024;

/** Pictures a browser draws, by ending. Drawn by `<img>` only, where nothing in them can run. */
const IMAGES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
};

/** The media type under which a file is drawn; `null` if it is no picture. */
export function imageType(path: string): string | null {
  return IMAGES[extensionOf(path)] ?? null;
}

export function isTable(path: string): boolean {
  return ['csv', 'tsv'].includes(extensionOf(path));
}

/** The ways in which a file can be looked at. */
export type ViewMode = 'text' | 'table' | 'image' | 'bytes';

export const MODE_WORDS: Record<ViewMode, string> = {
  text: 'Text',
  table: 'Table',
  image: 'Picture',
  bytes: 'Bytes',
};

/** How a text file can be shown, the usual way first. */
export function modesOfText(path: string): readonly ViewMode[] {
  if (isTable(path)) return ['table', 'text'];
  return imageType(path) === null ? ['text'] : ['image', 'text'];
}
