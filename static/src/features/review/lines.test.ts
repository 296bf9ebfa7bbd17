import { describe, expect, it } from 'vitest';
import {
  MOST_ROWS,
  asReplacement,
  besideModified,
  diffRows,
  forTyping,
  linesWords,
  sliceLines,
  wholeLines,
} from './lines';

describe('lines', () => {
  it.each([
    ['', ['']],
    ['a', ['a']],
    ['a\n', ['a\n', '']],
    ['a\r\nb\rc\nd', ['a\r\n', 'b\r', 'c\n', 'd']],
    ['\n\n', ['\n', '\n', '']],
    ['\r', ['\r', '']],
  ])('are counted in %j as the server counts them', (text, expected) => {
    expect(wholeLines(text)).toEqual(expected);
    expect(wholeLines(text).join('')).toBe(text);
  });

  it('are cut out with what ends them, or not at all', () => {
    expect(sliceLines('a\nb\nc', { start: 2, end: 3 })).toBe('b\nc');
    expect(sliceLines('a\r\nb\r\n', { start: 1, end: 1 })).toBe('a\r\n');
    expect(sliceLines('a\n', { start: 2, end: 2 })).toBe('');
    expect(sliceLines('a', { start: 1, end: 2 })).toBeNull();
    expect(sliceLines('a', { start: 0, end: 1 })).toBeNull();
  });

  it.each(['b\n', 'b\r\n', 'b', 'b\nc\n', 'b\r\nc\r\n', 'b\r\nc', '  b  \n'])(
    'typed as they are, %j is replaced by itself',
    (original) => expect(asReplacement(original, forTyping(original))).toBe(original),
  );

  it('keep the file’s own ends, and go when nothing is typed', () => {
    expect(asReplacement('a\r\n', 'x\ny')).toBe('x\r\ny\r\n');
    expect(asReplacement('a', 'x\ny')).toBe('x\ny');
    expect(asReplacement('a\n', '')).toBe('');
  });

  it('are compared row by row', () => {
    expect(diffRows('a\nb\n', 'a\nc\nd\n')).toEqual([
      { kind: 'same', text: 'a' },
      { kind: 'removed', text: 'b' },
      { kind: 'added', text: 'c' },
      { kind: 'added', text: 'd' },
    ]);
    expect(diffRows('a\n', '')).toEqual([{ kind: 'removed', text: 'a' }]);
    expect(diffRows('x\n'.repeat(MOST_ROWS), 'y\n')).toBeNull();
  });

  it('of the older text have a place in the newer where only that is shown', () => {
    // 3–4 became 3–6; 8 went; two lines came after 10.
    const changes = [
      {
        originalStartLineNumber: 3,
        originalEndLineNumber: 4,
        modifiedStartLineNumber: 3,
        modifiedEndLineNumber: 6,
      },
      {
        originalStartLineNumber: 8,
        originalEndLineNumber: 8,
        modifiedStartLineNumber: 9,
        modifiedEndLineNumber: 0,
      },
      {
        originalStartLineNumber: 10,
        originalEndLineNumber: 0,
        modifiedStartLineNumber: 12,
        modifiedEndLineNumber: 13,
      },
    ];
    const places = [1, 2, 3, 4, 5, 7, 8, 9, 10, 11].map((line) => besideModified(line, changes));
    expect(places).toEqual([1, 2, 6, 6, 7, 9, 9, 10, 11, 14]);
    expect(besideModified(5, [])).toBe(5);
  });

  it('are said', () => {
    expect(linesWords({ start: 3, end: 3 })).toBe('line 3');
    expect(linesWords({ start: 3, end: 5 })).toBe('lines 3–5');
  });
});
