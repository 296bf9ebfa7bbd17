/** The text of one open file, as saving and drafts need it; Monaco implements it, tests have their own. */
export interface TextBuffer {
  text(): string;
  /** Equal exactly when the text is: undoing back to the saved text gives the saved version again. */
  version(): number;
  /** New text from outside, with as little disturbance of cursor and undo history as possible. */
  replace(text: string): void;
  onChange(listener: () => void): () => void;
  dispose(): void;
}

/** The one stretch in which two texts differ: replace `[start, endOld)` of the old by `text`. */
export function smallestEdit(old: string, now: string): { start: number; endOld: number; text: string } {
  const shortest = Math.min(old.length, now.length);
  let start = 0;
  while (start < shortest && old.charCodeAt(start) === now.charCodeAt(start)) start += 1;
  let tail = 0;
  while (
    tail < shortest - start &&
    old.charCodeAt(old.length - 1 - tail) === now.charCodeAt(now.length - 1 - tail)
  ) {
    tail += 1;
  }
  return { start, endOld: old.length - tail, text: now.slice(start, now.length - tail) };
}
