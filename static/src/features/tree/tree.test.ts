import { describe, expect, it, vi } from 'vitest';
import type { Item } from '@/api/types';
import { applyChanges, applyMove, freeName, survivor, treeOf, type TreeModel } from './tree-model';
import { TreeStore, type TreePage } from './tree-store';

function item(path: string, kind: Item['kind'] = 'file', etag = path): Item {
  return { path, kind, size: 0, etag, executable: false, modified_at: '' };
}

function shape(tree: TreeModel, folder = ''): unknown[] {
  return (tree.children.get(folder) ?? []).map((path) =>
    tree.items.get(path)?.kind === 'folder' ? [path, shape(tree, path)] : path,
  );
}

const START = treeOf([item('src', 'folder'), item('src/b.py'), item('src/a.py'), item('README.md')]);

describe('tree', () => {
  it('lists folders first, then by name', () => {
    expect(shape(START)).toEqual([['src', ['src/a.py', 'src/b.py']], 'README.md']);
  });

  it.each<[string, { path: string; item: Item | null }[], unknown[]]>([
    [
      'adds',
      [{ path: 'z.py', item: item('z.py') }],
      [['src', ['src/a.py', 'src/b.py']], 'README.md', 'z.py'],
    ],
    ['removes', [{ path: 'src/a.py', item: null }], [['src', ['src/b.py']], 'README.md']],
    ['removes a folder with all in it', [{ path: 'src', item: null }], ['README.md']],
    ['ignores what it never had', [{ path: 'nope', item: null }], shape(START)],
    ['turns a folder into a file', [{ path: 'src', item: item('src') }], ['README.md', 'src']],
    [
      'shows a file whose folder has not been told yet',
      [{ path: 'x/y/z.py', item: item('x/y/z.py') }],
      [['src', ['src/a.py', 'src/b.py']], ['x', [['x/y', ['x/y/z.py']]]], 'README.md'],
    ],
    [
      'applies changes in their order',
      [
        { path: 'n.py', item: item('n.py') },
        { path: 'n.py', item: null },
      ],
      shape(START),
    ],
  ])('%s', (_name, changes, expected) => {
    expect(shape(applyChanges(START, changes))).toEqual(expected);
  });

  it('lists only folders anew in which something came or went', () => {
    const after = applyChanges(START, [
      { path: 'z.py', item: item('z.py') },
      { path: 'src/a.py', item: item('src/a.py', 'file', 'newer') },
    ]);
    expect(after.items.get('src/a.py')?.etag).toBe('newer');
    expect(after.children.get('src')).toBe(START.children.get('src'));
  });

  it('forgets a folder that came and went with the same message', () => {
    const after = applyChanges(START, [
      { path: 'x/y.py', item: item('x/y.py') },
      { path: 'x', item: null },
      { path: 'src', item: null },
      { path: 'src', item: item('src', 'folder') },
    ]);
    expect(shape(after)).toEqual([['src', []], 'README.md']);
    expect([...after.items.keys()]).toEqual(['README.md', 'src']);
    expect([...after.children.keys()]).toEqual(['', 'src']);
  });

  it('moves a folder with all in it', () => {
    expect(shape(applyMove(START, 'src', 'lib'))).toEqual([['lib', ['lib/a.py', 'lib/b.py']], 'README.md']);
  });

  it.each([
    ['src/a.py', ['src/a.py'], 'src/b.py'],
    ['src/b.py', ['src/b.py'], 'src/a.py'],
    ['src/b.py', ['src/a.py', 'src/b.py'], 'src'],
    ['src/b.py', ['src'], 'README.md'],
    ['README.md', ['src'], 'README.md'],
    ['src/a.py', ['src', 'README.md'], null],
    ['unknown', [], null],
  ])('hands the keyboard from %s, after %j are gone, to %s', (path, gone, expected) => {
    const after = applyChanges(
      START,
      gone.map((each) => ({ path: each, item: null })),
    );
    expect(survivor(START, after, path)).toBe(expected);
  });

  it('finds a free name', () => {
    expect(freeName(START, 'src', 'a.py')).toBe('a 2.py');
    expect(freeName(START, '', 'new.py')).toBe('new.py');
  });
});

describe('TreeStore', () => {
  it('reads all pages', async () => {
    const pages: Record<string, TreePage> = {
      first: { items: [item('a')], next: 'second' },
      second: { items: [item('b')], next: null },
    };
    const store = new TreeStore((cursor) => Promise.resolve(pages[cursor ?? 'first'] as TreePage), vi.fn());
    await store.load();
    expect([...store.tree.items.keys()]).toEqual(['a', 'b']);
    expect(store.state.get().status.kind).toBe('ready');
  });

  it('loses no event that comes while it reads', async () => {
    let answer: (page: TreePage) => void = () => undefined;
    const store = new TreeStore(() => new Promise<TreePage>((resolve) => (answer = resolve)), vi.fn());
    const loading = store.load();
    store.apply([
      { path: 'new', item: item('new') },
      { path: 'old', item: null },
    ]);
    answer({ items: [item('old')], next: null });
    await loading;
    expect([...store.tree.items.keys()]).toEqual(['new']);
  });

  it('tells open files what a second listing changed', async () => {
    const onChanges = vi.fn();
    let items = [item('a', 'file', '1'), item('b')];
    const store = new TreeStore(() => Promise.resolve({ items, next: null }), onChanges);
    await store.load();
    expect(onChanges).not.toHaveBeenCalled();
    items = [item('a', 'file', '2')];
    await store.load();
    expect(onChanges).toHaveBeenCalledWith([
      { path: 'a', item: items[0] },
      { path: 'b', item: null },
    ]);
  });

  it('keeps an older listing when a new one fails, and reports only a first failure', async () => {
    let fail = true;
    const store = new TreeStore(
      () => (fail ? Promise.reject(new Error('away')) : Promise.resolve({ items: [item('a')], next: null })),
      vi.fn(),
    );
    await store.load();
    expect(store.state.get().status).toEqual({ kind: 'failed', message: 'away' });
    fail = false;
    await store.load();
    fail = true;
    await store.load();
    expect(store.state.get().status).toEqual({ kind: 'ready', stale: true });
    expect(store.tree.items.has('a')).toBe(true);
    store.dispose();
  });

  it('reads a listing that failed again, and says until then that it is not up to date', async () => {
    vi.useFakeTimers();
    const read = vi.fn<() => Promise<TreePage>>(() => Promise.resolve({ items: [item('a')], next: null }));
    const store = new TreeStore(read, vi.fn());
    await store.load();
    read.mockRejectedValueOnce(new Error('away'));
    await store.load();
    expect(store.state.get().status).toEqual({ kind: 'ready', stale: true });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(store.state.get().status).toEqual({ kind: 'ready', stale: false });
    expect(read).toHaveBeenCalledTimes(3);
    vi.useRealTimers();
  });
});
