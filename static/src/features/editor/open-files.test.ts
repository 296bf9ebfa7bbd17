import { describe, expect, it, vi } from 'vitest';
import type { Precondition } from '@/api/files';
import { ApiError } from '@/api/problem';
import { FakeBuffer } from '@/test/fake-buffer';
import { MemoryDraftTable } from './draft-database';
import { Drafts } from './drafts';
import { OpenFiles } from './open-files';

/** A server with files whose tag is their text. */
function setUp(files: Record<string, string>) {
  const drafts = new Drafts(new MemoryDraftTable(), 'user', 'session');
  const open = new OpenFiles({
    drafts,
    onConflictCopy: () => undefined,
    createBuffer: (_path, text) => Promise.resolve(new FakeBuffer(text)),
    read: (path) => {
      const text = files[path];
      return text === undefined
        ? Promise.reject(new ApiError(404, 'not_found', 'There is no such file.'))
        : Promise.resolve({ bytes: new TextEncoder().encode(text), etag: `"${text}"` });
    },
    write: (path, bytes, expect: Precondition) => {
      const now = files[path];
      const fits = typeof expect === 'object' ? expect.etag === `"${now}"` : now === undefined;
      if (!fits) return Promise.reject(new ApiError(412, 'precondition_failed', 'changed'));
      const text = (files[path] = new TextDecoder().decode(bytes));
      return Promise.resolve({ etag: `"${text}"`, conflictCopy: null });
    },
  });
  const ready = async (path: string): Promise<FakeBuffer> => {
    const file = open.open(path, null);
    await vi.waitFor(() => expect(file.buffer).not.toBeNull());
    return file.buffer as FakeBuffer;
  };
  const paths = (): string[] => open.tabs.get().files.map((file) => file.path);
  return { files, drafts, open, ready, paths };
}

describe('OpenFiles', () => {
  it('saves no text the user has still to decide about', async () => {
    const { files, drafts, open, ready } = setUp({ 'a.py': 'one', 'b.py': 'one', 'd/c.py': 'one' });
    await drafts.keep('a.py', 'restored', '"one"');
    await ready('a.py');
    (await ready('b.py')).type('two');
    (await ready('d/c.py')).type('typed');
    delete files['d/c.py'];
    open.treeChanged([{ path: 'd/c.py', item: null }]);
    expect(await open.saveDecided()).toEqual(['a.py', 'd/c.py']);
    expect(await open.saveWithin('d')).toEqual(['d/c.py']);
    expect(files).toEqual({ 'a.py': 'one', 'b.py': 'two' });
  });

  it('saves a file under its new name that was renamed while it was saved', async () => {
    const { files, open, ready } = setUp({ 'a.py': 'one' });
    (await ready('a.py')).type('two');
    delete files['a.py'];
    files['b.py'] = 'one';
    const saving = open.saveDecided();
    open.moved('a.py', 'b.py');
    expect(await saving).toEqual([]);
    expect(files).toEqual({ 'b.py': 'two' });
  });

  it('closes the tab of a deleted file whose name another file takes', async () => {
    const { files, open, ready, paths } = setUp({ 'a.py': 'one', 'b.py': 'two' });
    await ready('a.py');
    await ready('b.py');
    delete files['b.py'];
    open.treeChanged([{ path: 'b.py', item: null }]);
    open.moved('a.py', 'b.py');
    expect(paths()).toEqual(['b.py']);
    expect(open.active?.buffer?.text()).toBe('one');
  });

  it('keeps what is typed in such a tab under a name of its own', async () => {
    const { files, open, ready, paths } = setUp({ 'a.py': 'one', 'b.py': 'two' });
    await ready('a.py');
    (await ready('b.py')).type('typed');
    delete files['b.py'];
    open.treeChanged([{ path: 'b.py', item: null }]);
    open.moved('a.py', 'b.py');
    expect(paths()).toEqual(['b.py', expect.stringMatching(/^b \(mine .*\)\.py$/)]);
  });

  it('tells nobody of closed tabs when the workspace is left', async () => {
    const { open, ready, paths } = setUp({ 'a.py': 'one' });
    await ready('a.py');
    const told = vi.fn();
    open.tabs.subscribe(told);
    open.dispose();
    expect(told).not.toHaveBeenCalled();
    expect(paths()).toEqual(['a.py']);
  });
});
