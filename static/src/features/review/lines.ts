/** Lines of a text as the server and the editor count them: after `\n`, `\r\n` or a single `\r` another begins. */
import { diffComm } from 'node-diff3';
import type { Lines } from '@/api/types';

/** Each line of a text, with what ends it. */
export function wholeLines(text: string): string[] {
  return text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$|^$/g)?.concat(/[\r\n]$/.test(text) ? [''] : []) ?? [''];
}

/** The text of lines, with what ends them; `null` where there are no such lines. */
export function sliceLines(text: string, { start, end }: Lines): string | null {
  const all = wholeLines(text);
  return start >= 1 && end >= start && end <= all.length ? all.slice(start - 1, end).join('') : null;
}

/** What ends the last line of a piece of text. */
function endOf(text: string): string {
  return /(?:\r\n|\r|\n)$/.exec(text)?.[0] ?? '';
}

/** A piece of text as it is typed in a box: without the end of its last line, lines ended by `\n`. */
export function forTyping(original: string): string {
  return original.slice(0, original.length - endOf(original).length).replace(/\r\n?/g, '\n');
}

/** What was typed in place of `original`, ended as that was. Nothing at all takes the lines away. */
export function asReplacement(original: string, typed: string): string {
  if (typed === '') return '';
  const end = /\r\n|\r|\n/.exec(original)?.[0] ?? '\n';
  return typed.replace(/\r\n?|\n/g, end) + endOf(original);
}

export interface DiffRow {
  kind: 'same' | 'removed' | 'added';
  text: string;
}

/** More rows would be a file, not an edit. */
export const MOST_ROWS = 400;

/** Two pieces of text as rows; `null` when there are too many. */
export function diffRows(before: string, after: string): DiffRow[] | null {
  const [a, b] = [rowsOf(before), rowsOf(after)];
  if (a.length + b.length > MOST_ROWS) return null;
  return diffComm(a, b).flatMap((part): DiffRow[] =>
    'common' in part && part.common
      ? part.common.map((text) => ({ kind: 'same', text }))
      : [
          ...(part.buffer1 ?? []).map((text): DiffRow => ({ kind: 'removed', text })),
          ...(part.buffer2 ?? []).map((text): DiffRow => ({ kind: 'added', text })),
        ],
  );
}

function rowsOf(text: string): string[] {
  return text === '' ? [] : forTyping(text).split('\n');
}

/** A changed stretch: lines of the older text and those of the newer in their place; an end of 0 means none, after `start`. */
export interface LineChange {
  originalStartLineNumber: number;
  originalEndLineNumber: number;
  modifiedStartLineNumber: number;
  modifiedEndLineNumber: number;
}

/** The line of the newer text below which something on a line of the older belongs, where only the newer is shown. */
export function besideModified(line: number, changes: readonly LineChange[]): number {
  let moved = 0;
  for (const change of changes) {
    const empty = change.originalEndLineNumber === 0;
    const first = empty ? change.originalStartLineNumber + 1 : change.originalStartLineNumber;
    if (line < first) break;
    const last = empty ? change.originalStartLineNumber : change.originalEndLineNumber;
    const end =
      change.modifiedEndLineNumber === 0 ? change.modifiedStartLineNumber : change.modifiedEndLineNumber;
    if (line <= last) return Math.max(0, end);
    moved = end - last;
  }
  return line + moved;
}

/** `line 3`, `lines 3–5`. */
export function linesWords({ start, end }: Lines): string {
  return start === end ? `line ${start}` : `lines ${start}–${end}`;
}
