import { describe, expect, it } from 'vitest';
import type { Thread } from '@/api/types';
import { baseName, byPlace, isOfFile, placeNew, placeOf, placeThread, type Shown } from './placing';

const first: Shown = { round: 1, base: { kind: 'empty' } };
const template: Shown = { round: 1, base: { kind: 'template' } };
const second: Shown = { round: 2, base: { kind: 'round', round: 1 } };
const third: Shown = { round: 3, base: { kind: 'round', round: 1 } };
const start: Shown = { round: 3, base: { kind: 'template' } };

type Placeable = Pick<Thread, 'path' | 'written' | 'at'>;

const LINES = { start: 4, end: 6 };

function thread(
  written: Placeable['written'],
  at: Partial<Placeable['at']>,
  path: string | null = 'a.py',
): Placeable {
  return { path, written, at: { round: 2, outdated: false, ...at } };
}

describe('where a thread stands', () => {
  it('is where its lines are now', () => {
    const moved = thread(
      { round: 1, side: 'new', lines: LINES },
      { path: 'b.py', lines: { start: 7, end: 9 } },
    );
    expect(placeThread(moved, second)).toEqual({
      on: 'lines',
      pane: 'modified',
      path: 'b.py',
      lines: { start: 7, end: 9 },
    });
  });

  it('is beside its old lines when these have changed, if they are shown', () => {
    const outdated = thread({ round: 1, side: 'new', lines: LINES }, { path: 'a.py', outdated: true });
    expect(placeThread(outdated, second)).toEqual({
      on: 'lines',
      pane: 'original',
      path: 'a.py',
      lines: LINES,
    });
    expect(placeThread(outdated, { round: 3, base: { kind: 'round', round: 2 } })).toEqual({
      on: 'file',
      path: 'a.py',
    });
  });

  it('is in the older text when it was written there and that is what is shown', () => {
    const old = thread({ round: 2, side: 'old', lines: LINES }, { path: 'a.py', lines: LINES });
    expect(placeThread(old, second)).toEqual({ on: 'lines', pane: 'original', path: 'a.py', lines: LINES });
    // In round 3 `at` speaks of round 2, which is not what is compared with; round 1 is, and that is what it was written on.
    expect(placeThread(old, third)).toEqual({ on: 'lines', pane: 'original', path: 'a.py', lines: LINES });
    expect(placeThread(old, start)).toEqual({ on: 'file', path: 'a.py' });
    const begun = thread({ round: 1, side: 'old', lines: LINES }, { path: 'a.py', outdated: true });
    expect(placeThread(begun, start)).toEqual({ on: 'lines', pane: 'original', path: 'a.py', lines: LINES });
    expect(placeThread(begun, second)).toEqual({ on: 'file', path: 'a.py' });
  });

  it('is on its file, or on the review, when it is on no lines', () => {
    expect(placeThread(thread({ round: 1, side: 'new' }, { path: 'c.py' }), second)).toEqual({
      on: 'file',
      path: 'c.py',
    });
    expect(placeThread(thread({ round: 1, side: 'new' }, {}, null), second)).toEqual({ on: 'review' });
    const gone = thread({ round: 1, side: 'new', lines: LINES }, { outdated: true });
    expect(placeThread(gone, start)).toEqual({ on: 'file', path: 'a.py' });
  });
});

describe('what somebody points at', () => {
  const paths = { original: 'old.py', modified: 'new.py' };
  const lines = { start: 1, end: 2 };
  it.each([
    [second, 'modified', { round: 2, side: 'new', path: 'new.py', lines }],
    [second, 'original', { round: 2, side: 'old', path: 'old.py', lines }],
    [template, 'original', { round: 1, side: 'old', path: 'old.py', lines }],
    [third, 'original', { round: 1, side: 'new', path: 'old.py', lines }],
    [start, 'original', { round: 1, side: 'old', path: 'old.py', lines }],
  ] as const)('in %j, %s', (shown, pane, place) => {
    expect(placeOf(shown, pane, paths, lines)).toEqual(place);
    expect(placeNew(place, shown)).toEqual({ on: 'lines', pane, path: place.path, lines });
  });

  it('is not shown on lines of another round, nor lost', () => {
    const place = { round: 1, side: 'new', path: 'a.py', lines } as const;
    expect(placeNew(place, { round: 3, base: { kind: 'round', round: 2 } })).toEqual({
      on: 'file',
      path: 'a.py',
    });
    expect(placeNew({ ...place, path: null, lines: null }, second)).toEqual({ on: 'review' });
    expect(placeNew({ ...place, lines: null }, second)).toEqual({ on: 'file', path: 'a.py' });
  });
});

describe('placed things', () => {
  it('belong to files under either name', () => {
    const file = { path: 'new.py', former_path: 'old.py' };
    expect(isOfFile({ on: 'file', path: 'old.py' }, file)).toBe(true);
    expect(isOfFile({ on: 'file', path: 'new.py' }, file)).toBe(true);
    expect(isOfFile({ on: 'file', path: 'other.py' }, file)).toBe(false);
    expect(isOfFile({ on: 'review' }, file)).toBe(false);
  });

  it('are met from the top', () => {
    const at = (end: number, pane: 'original' | 'modified') =>
      ({ on: 'lines', pane, path: 'a', lines: { start: 1, end } }) as const;
    const all = [at(9, 'modified'), at(2, 'modified'), at(2, 'original'), { on: 'file', path: 'a' } as const];
    expect([...all].sort(byPlace)).toEqual([all[3], all[2], all[1], all[0]]);
  });

  it('know the older text’s name', () => {
    expect([first, template, second].map(baseName)).toEqual([null, 'start', 1]);
  });
});
