/**
 * Two texts that were made from one, brought together line by line: what only one side changed is taken by itself, what
 * both changed differently is a conflict for the user.
 *
 * On node-diff3's regions (Khanna, Kunal, Pierce: "A Formal Investigation of Diff3"): small, without dependencies, and
 * what isomorphic-git merges with; a diff3 of our own would be one more to get wrong. Its search is quadratic, so equal
 * heads and tails are taken off first and what is left is bounded.
 */
import { diff3MergeRegions, diffIndices } from 'node-diff3';

/** Most lines on one side between the first and the last difference: a quarter of a second of search. */
export const MOST_LINES = 10_000;

const BOM = /^\ufeff/;

/** Lines `[start, start + count)` of one of the texts. */
export interface Span {
  start: number;
  count: number;
}

/** A stretch of the result. */
export type Piece =
  | { kind: 'same'; lines: readonly string[] }
  /** Only this side changed it, or both did alike; `at` says where that is in its own text. */
  | { kind: 'merged'; by: 'mine' | 'theirs' | 'both'; lines: readonly string[]; at: Span }
  /** One side deleted something here. */
  | { kind: 'deleted'; lines: readonly [] }
  | { kind: 'conflict'; conflict: Conflict };

/** What the two sides made of the same lines. */
export interface Conflict {
  base: readonly string[];
  mine: readonly string[];
  theirs: readonly string[];
  /** Where that is in each text. */
  at: { base: Span; mine: Span; theirs: Span };
}

export interface Merged {
  pieces: readonly Piece[];
  /** Line end of the result. */
  eol: '\n' | '\r\n';
  /** Whether it begins with a byte order mark, which belongs to no line. */
  bom: boolean;
}

/** The merge of two texts; without a base every difference is a conflict. `null`: too much differs to be searched. */
export function mergeTexts(base: string | null, mine: string, theirs: string): Merged | null {
  const o = base === null ? null : linesOf(base);
  const a = linesOf(mine);
  const b = linesOf(theirs);
  const all = o ? [a, b, o] : [a, b];
  const head = sharedHead(all);
  const tail = sharedTail(all, head);
  const middle = (lines: readonly string[]): string[] => lines.slice(head, lines.length - tail);
  if (all.some((lines) => lines.length - head - tail > MOST_LINES)) return null;
  const pieces: Piece[] = [
    { kind: 'same', lines: a.slice(0, head) },
    ...(o ? threeWay(middle(a), middle(o), middle(b), head) : twoWay(middle(a), middle(b), head)),
    { kind: 'same', lines: a.slice(a.length - tail) },
  ];
  return {
    pieces: pieces.filter((piece) => piece.kind !== 'same' || piece.lines.length > 0),
    eol: changed(base, mine, theirs, eolOf),
    bom: changed(base, mine, theirs, hasBom),
  };
}

function linesOf(text: string): string[] {
  return text.replace(BOM, '').split(/\r\n|\n/);
}

function eolOf(text: string): '\n' | '\r\n' {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function hasBom(text: string): boolean {
  return BOM.test(text);
}

/** What holds for the whole text: whoever changed it wins, as both can only have changed it alike. */
function changed<T>(base: string | null, mine: string, theirs: string, of: (text: string) => T): T {
  return base !== null && of(mine) === of(base) ? of(theirs) : of(mine);
}

function sharedHead(texts: readonly (readonly string[])[]): number {
  const [first = [], ...others] = texts;
  const most = Math.min(...texts.map((lines) => lines.length));
  let count = 0;
  while (count < most && others.every((lines) => lines[count] === first[count])) count += 1;
  return count;
}

function sharedTail(texts: readonly (readonly string[])[], head: number): number {
  const [first = [], ...others] = texts;
  const most = Math.min(...texts.map((lines) => lines.length)) - head;
  const fromEnd = (lines: readonly string[], count: number) => lines[lines.length - 1 - count];
  let count = 0;
  while (count < most && others.every((lines) => fromEnd(lines, count) === fromEnd(first, count))) count += 1;
  return count;
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}

function threeWay(a: string[], o: string[], b: string[], offset: number): Piece[] {
  const pieces: Piece[] = [];
  // Regions name what is there; what was deleted shows only as base lines that were passed over.
  let passed = 0;
  let explained = false;
  const deleted = (upTo: number): void => {
    if (upTo > passed && !explained) pieces.push({ kind: 'deleted', lines: [] });
  };
  for (const region of diff3MergeRegions(a, o, b)) {
    if (!region.stable) {
      deleted(region.oStart);
      passed = region.oStart + region.oLength;
      explained = true;
      pieces.push(unstable(region.aContent, region.oContent, region.bContent, offset, region));
    } else if (region.buffer === 'o') {
      deleted(region.bufferStart);
      pieces.push({ kind: 'same', lines: region.bufferContent });
      passed = region.bufferStart + region.bufferLength;
      explained = false;
    } else {
      const by = region.buffer === 'a' ? 'mine' : 'theirs';
      const at = { start: offset + region.bufferStart, count: region.bufferLength };
      pieces.push({ kind: 'merged', by, lines: region.bufferContent, at });
      explained = true;
    }
  }
  deleted(o.length);
  return pieces;
}

interface Starts {
  aStart: number;
  oStart: number;
  bStart: number;
}

function unstable(mine: string[], base: string[], theirs: string[], offset: number, starts: Starts): Piece {
  const at = {
    base: { start: offset + starts.oStart, count: base.length },
    mine: { start: offset + starts.aStart, count: mine.length },
    theirs: { start: offset + starts.bStart, count: theirs.length },
  };
  return sameLines(mine, theirs)
    ? { kind: 'merged', by: 'both', lines: mine, at: at.mine }
    : { kind: 'conflict', conflict: { base, mine, theirs, at } };
}

function twoWay(a: string[], b: string[], offset: number): Piece[] {
  const pieces: Piece[] = [];
  let passed = 0;
  for (const { buffer1, buffer2, buffer1Content: mine, buffer2Content: theirs } of diffIndices(a, b)) {
    const [aStart, aLength] = buffer1;
    pieces.push({ kind: 'same', lines: a.slice(passed, aStart) });
    pieces.push(unstable(mine, [], theirs, offset, { aStart, oStart: aStart, bStart: buffer2[0] }));
    passed = aStart + aLength;
  }
  pieces.push({ kind: 'same', lines: a.slice(passed) });
  return pieces;
}
