import { describe, expect, it } from 'vitest';
import { MergeResult, type TextEdit } from './merge-result';
import { mergeTexts } from './three-way';

function resultOf(base: string | null, mine: string, theirs: string): MergeResult {
  const merged = mergeTexts(base, mine, theirs);
  if (!merged) throw new Error('too large');
  return new MergeResult(merged);
}

/** Two conflicts with a line between them that nobody touched. */
function twoConflicts(): MergeResult {
  return resultOf('a\nb\nc\nd\ne\n', 'a\nm1\nc\nm2\ne\n', 'a\nt1\nc\nt2\ne\n');
}

describe('MergeResult', () => {
  it('is done by itself when nothing is in conflict', () => {
    const result = resultOf('a\nb\nc\n', 'A\nb\nc\n', 'a\nb\nC\n');
    expect(result.text).toBe('A\nb\nC\n');
    expect(result.conflicts).toEqual([]);
    expect(result.mergedByItself).toBe(2);
  });

  it('shows what was there before until something is decided', () => {
    const result = twoConflicts();
    expect(result.text).toBe('a\nb\nc\nd\ne\n');
    expect(result.state.get().hunks).toEqual(['open', 'open']);
  });

  it('takes mine, theirs or both, and another choice in its place', () => {
    const result = twoConflicts();
    result.decide(0, 'mine');
    result.decide(1, 'both');
    expect(result.text).toBe('a\nm1\nc\nm2\nt2\ne\n');
    expect(result.state.get().hunks).toEqual(['mine', 'both']);
    result.decide(0, 'both');
    result.decide(1, 'theirs');
    expect(result.text).toBe('a\nm1\nt1\nc\nt2\ne\n');
  });

  it.each(['mine', 'theirs', 'both'] as const)('takes %s everywhere at once', (choice) => {
    const result = twoConflicts();
    result.decideAll(choice);
    expect(result.state.get().hunks).toEqual([choice, choice]);
    expect(result.text).toBe(
      { mine: 'a\nm1\nc\nm2\ne\n', theirs: 'a\nt1\nc\nt2\ne\n', both: 'a\nm1\nt1\nc\nm2\nt2\ne\n' }[choice],
    );
  });

  it('lets what was there before be the decision', () => {
    const result = twoConflicts();
    result.keep(0);
    expect(result.state.get().hunks).toEqual(['kept', 'open']);
    expect(result.text).toBe('a\nb\nc\nd\ne\n');
  });

  it('counts a stretch the user typed in as decided, and knows where the others have gone', () => {
    const result = twoConflicts();
    result.changed([{ start: 2, end: 3, text: 'by hand' }]);
    expect(result.state.get().hunks).toEqual(['edited', 'open']);
    result.changed([{ start: 0, end: 0, text: '# above\n' }]);
    result.decide(1, 'theirs');
    expect(result.text).toBe('# above\na\nby hand\nc\nt2\ne\n');
  });

  it('is open again when a decision is undone', () => {
    const result = twoConflicts();
    result.decide(0, 'mine');
    result.changed([{ start: 2, end: 5, text: 'b\n' }]);
    expect(result.state.get().hunks).toEqual(['open', 'open']);
  });

  it.each([
    ['both append to a text without a last line end', 'a', 'a\nm', 'a\nt', 'a\nm\nt'],
    ['everything differs', 'a', 'm', 't', 'm\nt'],
    ['one deletes the last line the other changes', 'a\nb', 'a', 'a\nt', 'a\nt'],
    ['both begin a file', '', 'm\n', 't\n', 'm\nt\n'],
    ['both insert at the top', 'z\n', 'm\nz\n', 't\nz\n', 'm\nt\nz\n'],
  ])('handles the ends of a text: %s', (_, base, mine, theirs, both) => {
    const result = resultOf(base, mine, theirs);
    result.decide(0, 'mine');
    expect(result.text).toBe(mine);
    result.decide(0, 'theirs');
    expect(result.text).toBe(theirs);
    result.decide(0, 'both');
    expect(result.text).toBe(both);
  });

  it('leaves the changes to an attached editor and believes what that tells', () => {
    const result = twoConflicts();
    const asked: TextEdit[][] = [];
    const detach = result.attach((edits) => {
      asked.push([...edits]);
      result.changed(edits);
    });
    result.decideAll('theirs');
    expect(asked).toEqual([
      [
        { start: 6, end: 8, text: 't2\n' },
        { start: 2, end: 4, text: 't1\n' },
      ],
    ]);
    expect(result.text).toBe('a\nt1\nc\nt2\ne\n');
    detach();
    result.decide(0, 'mine');
    expect(asked).toHaveLength(1);
  });

  it('goes to the next open conflict, then around', () => {
    const result = resultOf('a\n-\nb\n-\nc\n', '1\n-\n2\n-\n3\n', '4\n-\n5\n-\n6\n');
    result.decide(1, 'mine');
    result.next(1);
    expect(result.state.get().current).toBe(2);
    result.next(1);
    expect(result.state.get().current).toBe(0);
    result.next(-1);
    expect(result.state.get().current).toBe(2);
    result.decideAll('both');
    result.next(1);
    expect(result.state.get().current).toBe(0);
    expect(result.at(0)).toBe(0);
    expect(result.at(5)).toBeNull();
  });

  it('saves with the line ends the file has', () => {
    const result = resultOf('a\r\nb\r\n', 'a\r\nm\r\n', 'a\r\nt\r\n');
    result.decide(0, 'mine');
    expect(result.text).toBe('a\nm\n');
    expect(result.saved).toBe('a\r\nm\r\n');
    expect(resultOf('\ufeffa', '\ufeffa', '\ufeffb').saved).toBe('\ufeffb');
    expect(resultOf('\ufeffa', 'a', '\ufeffb').saved).toBe('b');
  });
});

describe('what is marked of a conflict', () => {
  it('is its own lines, also at the end of the text', () => {
    const result = resultOf('a\nb\nc\nd', 'a\nm\nc\nM', 'a\nt\nc\nT');
    const marked = (index: number) => {
      const { first, last } = result.marked(index);
      return result.text.slice(first, last);
    };
    expect([marked(0), marked(1)]).toEqual(['b', 'd']);
    result.decideAll('both');
    expect([marked(0), marked(1)]).toEqual(['m\nt', 'M\nT']);
  });
});
