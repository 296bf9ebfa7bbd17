/** The lines in which two texts differ that have the same lines otherwise, as after a replacement within lines. */

export interface ChangedLine {
  /** From 1. */
  line: number;
  before: string;
  after: string;
}

/** More of one file nobody reads before replacing. */
export const MOST_LINES = 200;

export function changedLines(before: string, after: string): { lines: ChangedLine[]; more: number } {
  const old = before.split('\n');
  const now = after.split('\n');
  const lines: ChangedLine[] = [];
  for (let index = 0; index < Math.max(old.length, now.length); index += 1) {
    const [a, b] = [old[index] ?? '', now[index] ?? ''];
    if (a !== b) lines.push({ line: index + 1, before: a, after: b });
  }
  return { lines: lines.slice(0, MOST_LINES), more: Math.max(0, lines.length - MOST_LINES) };
}
