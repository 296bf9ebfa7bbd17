import { describe, expect, it } from 'vitest';
import type { ChangedItem, Thread } from '@/api/types';
import { listFiles, matching, progress, readingOrder, stepTo, type PlacedThread } from './changed-files';
import { byPlace, type Placed } from './placing';

const item = (path: string, more: Partial<ChangedItem> = {}): ChangedItem => ({
  path,
  status: 'modified',
  viewed: false,
  ...more,
});
const said = (id: string, placed: Placed, state: Thread['state'] = 'open'): PlacedThread => ({
  thread: { id, state } as Thread,
  placed,
});

const ITEMS = [item('a.py', { viewed: true }), item('dir/b.py', { status: 'renamed', former_path: 'b.py' })];
const SAID = [
  said('late', { on: 'lines', pane: 'modified', path: 'dir/b.py', lines: { start: 9, end: 9 } }),
  said('early', { on: 'lines', pane: 'original', path: 'b.py', lines: { start: 2, end: 3 } }, 'verified'),
  said('all', { on: 'review' }),
  said('elsewhere', { on: 'file', path: 'same.py' }),
];

describe('listed files', () => {
  const files = listFiles(ITEMS, SAID);

  it('have what was said of them, under either name, and those that are only spoken of', () => {
    expect(files.map(({ path, status, threads, open }) => [path, status, threads, open])).toEqual([
      ['a.py', 'modified', 0, 0],
      ['dir/b.py', 'renamed', 2, 1],
      ['same.py', 'unchanged', 1, 1],
    ]);
  });

  it('are found by all words of their names', () => {
    expect(matching(files, ' DIR b ').map(({ path }) => path)).toEqual(['dir/b.py']);
    expect(matching(files, 'nothing')).toEqual([]);
    expect(matching(files, '  ')).toBe(files);
  });

  it('count as viewed when they have changed', () => {
    expect(progress(files)).toEqual({ viewed: 1, all: 2 });
  });

  it('order what was said as it is met', () => {
    expect(readingOrder(files, SAID, byPlace)).toEqual([
      { thread: 'all', file: null },
      { thread: 'early', file: 'dir/b.py' },
      { thread: 'late', file: 'dir/b.py' },
      { thread: 'elsewhere', file: 'same.py' },
    ]);
  });

  it('are many without waiting', () => {
    const many = Array.from({ length: 20_000 }, (_, at) => item(`f${at}.py`));
    const start = performance.now();
    const listed = listFiles(many, SAID);
    readingOrder(listed, SAID, byPlace);
    matching(listed, 'f199');
    expect(listed).toHaveLength(20_003);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe('a ring', () => {
  it('goes round, and begins at its ends', () => {
    expect([stepTo([1, 2, 3], 2, 1), stepTo([1, 2, 3], 0, -1), stepTo([1, 2, 3], 0, 1)]).toEqual([1, 3, 2]);
    expect([stepTo([1, 2, 3], -1, 1), stepTo([1, 2, 3], -1, -1), stepTo([], -1, 1)]).toEqual([
      1,
      3,
      undefined,
    ]);
  });
});
