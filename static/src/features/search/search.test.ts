import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '@/api/problem';
import type { SearchPattern } from '@/api/search';
import type { SearchMatch, SearchResult } from '@/api/types';
import { changedLines } from './changed-lines';
import { parts, rowsOf, step } from './result-rows';
import { SEARCH_DELAY_MS, SearchStore } from './search-store';

function match(path: string, line: number, text = 'x'): SearchMatch {
  return { path, line, column: 1, length: 1, text, before: 0 };
}

const FOUND: SearchResult = {
  items: [match('a.py', 1), match('a.py', 7), match('b.py', 2)],
  files: 2,
  truncated: false,
  skipped: 0,
};

const search = vi.fn<(pattern: SearchPattern, signal: AbortSignal) => Promise<SearchResult>>();
const replace = vi.fn();
let store: SearchStore;

beforeEach(() => {
  search.mockReset().mockResolvedValue(FOUND);
  replace.mockReset().mockResolvedValue({ files: [], replacements: 0, conflicts: [], truncated: false });
  store = new SearchStore({ search, replace });
});

function rows() {
  return rowsOf(store.state.get()).map((row) => (row.kind === 'file' ? row.path : row.match.line));
}

describe('a search', () => {
  it('is made once, a moment after the last key', async () => {
    vi.useFakeTimers();
    store.change({ q: 'f' });
    store.change({ q: 'fo' });
    await vi.advanceTimersByTimeAsync(SEARCH_DELAY_MS - 1);
    store.change({ q: 'foo' });
    await vi.advanceTimersByTimeAsync(SEARCH_DELAY_MS);
    vi.useRealTimers();
    expect(search).toHaveBeenCalledTimes(1);
    expect(search.mock.calls[0]?.[0]).toMatchObject({ q: 'foo', regex: false, case: false });
    expect(rows()).toEqual(['a.py', 1, 7, 'b.py', 2]);
  });

  it('that is not wanted any more is given up, and its answer ignored', async () => {
    let late: (result: SearchResult) => void = () => undefined;
    search.mockImplementationOnce(() => new Promise((resolve) => (late = resolve)));
    store.change({ q: 'old' });
    const first = store.run();
    store.change({ q: 'new' });
    expect(search.mock.calls[0]?.[1].aborted).toBe(true);
    await store.run();
    late({ ...FOUND, items: [match('late.py', 1)] });
    await first;
    expect(rows()).toEqual(['a.py', 1, 7, 'b.py', 2]);
  });

  it('says why it failed', async () => {
    search.mockRejectedValue(new ApiError(400, 'invalid_query', 'Unclosed group.'));
    store.change({ q: '(', regex: true });
    await store.run();
    expect(store.state.get().status).toEqual({ kind: 'failed', message: 'Unclosed group.' });
  });

  it('for nothing asks nobody', async () => {
    store.change({ q: 'x' });
    await store.run();
    store.change({ q: '' });
    await store.run();
    expect(search).toHaveBeenCalledTimes(1);
    expect(rows()).toEqual([]);
    expect(store.state.get().status.kind).toBe('idle');
  });

  it('can be folded, and taken off the list', async () => {
    store.change({ q: 'x' });
    await store.run();
    store.toggle('a.py');
    expect(rows()).toEqual(['a.py', 'b.py', 2]);
    store.toggle('a.py', true);
    store.dismiss('a.py');
    expect(rows()).toEqual(['b.py', 2]);
  });
});

describe('replacing', () => {
  it('is for all that match, also where the list was too short, unless some were taken off', async () => {
    store.change({ q: 'x' });
    store.setReplacement('y');
    await store.run();
    await store.preview();
    expect(replace).toHaveBeenLastCalledWith(expect.objectContaining({ q: 'x' }), 'y', { all: true }, true);
    store.dismiss('a.py');
    await store.preview();
    expect(replace).toHaveBeenLastCalledWith(expect.anything(), 'y', { paths: ['b.py'] }, true);
  });

  it('happens only in the files that are named, as they were shown, and looks again', async () => {
    store.change({ q: 'x' });
    await store.run();
    await store.apply([{ path: 'b.py', etag: '"1"' }]);
    expect(replace).toHaveBeenLastCalledWith(
      expect.anything(),
      '',
      { seen: [{ path: 'b.py', etag: '"1"' }] },
      false,
    );
    await vi.waitFor(() => expect(search).toHaveBeenCalledTimes(2));
  });
});

describe('the rows of a result', () => {
  it('are gone through by keys', async () => {
    store.change({ q: 'x' });
    await store.run();
    const all = rowsOf(store.state.get());
    expect([step(all, 0, 'ArrowDown'), step(all, 4, 'ArrowDown'), step(all, 0, 'ArrowUp')]).toEqual([
      1, 4, 0,
    ]);
    expect([step(all, 2, 'Home'), step(all, 2, 'End'), step(all, 2, 'x')]).toEqual([0, 4, null]);
  });

  it('show the match with what is around it, however far into the line it is', () => {
    expect(parts({ ...match('a', 1, '    def run(self):'), before: 8, length: 3 })).toEqual([
      'def ',
      'run',
      '(self):',
    ]);
    const far = 'a'.repeat(100) + 'HIT' + 'b';
    expect(parts({ ...match('a', 1, far), before: 100, length: 3 })).toEqual([
      `…${'a'.repeat(30)}`,
      'HIT',
      'b',
    ]);
  });
});

describe('changedLines', () => {
  it('pairs what was and what would be', () => {
    expect(changedLines('a\nb\nc\n', 'a\nB\nc\n')).toEqual({
      lines: [{ line: 2, before: 'b', after: 'B' }],
      more: 0,
    });
    expect(changedLines('x\n'.repeat(300), 'y\n'.repeat(300))).toMatchObject({ more: 100 });
  });
});
