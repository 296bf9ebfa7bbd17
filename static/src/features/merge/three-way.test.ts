import { describe, expect, it } from 'vitest';
import { MOST_LINES, mergeTexts, type Merged } from './three-way';

/** A merge as one line per piece: ` same`, `+mine`, `-`, `!base|mine|theirs`. */
function shown(merged: Merged | null): string[] | null {
  return (
    merged?.pieces.map((piece) => {
      if (piece.kind === 'deleted') return '-';
      if (piece.kind === 'same') return ` ${piece.lines.join(',')}`;
      if (piece.kind === 'merged') return `+${piece.by} ${piece.lines.join(',')}`;
      const { base, mine, theirs } = piece.conflict;
      return `!${base.join(',')}|${mine.join(',')}|${theirs.join(',')}`;
    }) ?? null
  );
}

function check(base: string | null, mine: string, theirs: string, expected: string[]): void {
  const text = (letters: string) => [...letters].join('\n');
  expect(shown(mergeTexts(base === null ? null : text(base), text(mine), text(theirs)))).toEqual(expected);
}

describe('mergeTexts', () => {
  it('takes what only one side changed by itself', () => {
    check('abcdefg', 'aBcdefg', 'abcdeFg', [' a', '+mine B', ' c,d,e', '+theirs F', ' g']);
    check('abc', 'abXc', 'abc', [' a,b', '+mine X', ' c']);
    check('abcdef', 'acdef', 'abcdf', [' a', '-', ' c,d', '-', ' f']);
    check('abc', 'ab', 'abc', [' a,b', '-']);
  });

  it('takes once what both changed alike', () => {
    check('abc', 'aXc', 'aXc', [' a', '+both X', ' c']);
    check('abcde', 'aXcde', 'aXcdE', [' a', '+both X', ' c,d', '+theirs E']);
    check('abcd', 'aXcD', 'YaXcd', ['+theirs Y', ' a', '+both X', ' c', '+mine D']);
  });

  it('leaves what both changed differently to the user, with what was there before', () => {
    check('abc', 'aMc', 'aTc', [' a', '!b|M|T', ' c']);
    check('abc', 'ac', 'aTc', [' a', '!b||T', ' c']);
    check('ac', 'aMc', 'aTc', [' a', '!|M|T', ' c']);
    check('a', 'b', 'c', ['!a|b|c']);
  });

  it('makes every difference a conflict when nobody knows what both began with', () => {
    check(null, 'abcd', 'aXcdY', [' a', '!|b|X', ' c,d', '!||Y']);
    check(null, 'abc', 'abc', [' a,b,c']);
  });

  it('knows where a conflict lies in each text', () => {
    const merged = mergeTexts('a\nb\nc', 'a\n1\n2\nc', 'x\na\n3\nc');
    const piece = merged?.pieces.find(({ kind }) => kind === 'conflict');
    expect(piece).toMatchObject({
      conflict: {
        at: { base: { start: 1, count: 1 }, mine: { start: 1, count: 2 }, theirs: { start: 2, count: 1 } },
      },
    });
  });

  it('compares lines without their ends, and keeps the ends of who changed them', () => {
    expect(mergeTexts('a\nb\n', 'a\r\nb\r\n', 'a\nc\n')?.eol).toBe('\r\n');
    expect(mergeTexts('a\nb\n', 'a\nB\n', 'a\r\nb\r\n')?.eol).toBe('\r\n');
    expect(mergeTexts('a\r\n', 'a\n', 'a\r\n')?.eol).toBe('\n');
    check('a', 'a', 'a', [' a']);
  });

  it('gives up on what would take minutes, not on a large file with few differences', () => {
    const numbers = Array.from({ length: 5 * MOST_LINES }, (_, line) => `${line}`);
    const text = numbers.join('\n');
    const changed = (line: number) => numbers.map((old, at) => (at === line ? 'x' : old)).join('\n');
    expect(shown(mergeTexts(text, changed(40_000), changed(40_002)))).toHaveLength(5);
    expect(mergeTexts(text, changed(0), changed(numbers.length - 1))).toBeNull();
  });
});
