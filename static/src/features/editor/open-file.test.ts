import { describe, expect, it, vi } from 'vitest';
import type { FileContent, Precondition } from '@/api/files';
import { ApiError } from '@/api/problem';
import type { Item } from '@/api/types';
import { FakeBuffer } from '@/test/fake-buffer';
import { MemoryDraftTable } from './draft-database';
import { Drafts } from './drafts';
import { LARGEST_TEXT_BYTES } from './file-text';
import { DRAFT_DELAY_MS } from './draft-keeper';
import { undecided } from './file-state';
import { OpenFile } from './open-file';

/** A server with files whose tag is their text. */
function setUp(files: Record<string, string>) {
  const drafts = new Drafts(new MemoryDraftTable(), 'user', 'session');
  const writes: { path: string; text: string; expect: Precondition }[] = [];
  const encode = (text: string) => new TextEncoder().encode(text);
  const backend = {
    drafts,
    onConflictCopy: () => undefined,
    createBuffer: (_path: string, text: string) => Promise.resolve(new FakeBuffer(text)),
    read: vi.fn((path: string): Promise<FileContent> => {
      const text = files[path];
      return text === undefined
        ? Promise.reject(new ApiError(404, 'not_found', 'There is no such file.'))
        : Promise.resolve({ bytes: encode(text), etag: `"${text}"` });
    }),
    write: (path: string, bytes: Uint8Array, expect: Precondition) => {
      const text = new TextDecoder().decode(bytes);
      const now = files[path];
      const fits =
        expect === 'any' ||
        (expect === 'absent' ? now === undefined : now !== undefined && expect.etag === `"${now}"`);
      if (!fits) return Promise.reject(new ApiError(412, 'precondition_failed', 'changed'));
      files[path] = text;
      writes.push({ path, text, expect });
      return Promise.resolve({ etag: `"${text}"`, conflictCopy: null });
    },
  };
  const open = async (path: string): Promise<{ file: OpenFile; buffer: FakeBuffer }> => {
    const file = new OpenFile(path, backend);
    await file.load(null);
    return { file, buffer: file.buffer as FakeBuffer };
  };
  return { files, writes, drafts, backend, open };
}

function item(path: string, etag: string): Item {
  return { path, kind: 'file', size: 1, etag, executable: false, modified_at: '' };
}

describe('OpenFile', () => {
  it('shows text, and only a size and a download for what is not text or too large', async () => {
    const { backend, open } = setUp({ 'a.py': 'print()', 'b.bin': 'a\u0000b' });
    expect((await open('a.py')).file.state.get().phase.kind).toBe('ready');
    expect((await open('b.bin')).file.state.get().phase).toEqual({
      kind: 'unsupported',
      why: 'binary',
      size: 3,
    });
    const large = new OpenFile('c.csv', backend);
    await large.load(LARGEST_TEXT_BYTES + 1);
    expect(large.state.get().phase).toMatchObject({ kind: 'unsupported', why: 'large' });
    expect(backend.read).toHaveBeenCalledTimes(2);
  });

  it('takes a change from outside at once when nothing is unsaved', async () => {
    const { files, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    files['a.py'] = 'two';
    file.changedOutside(item('a.py', 'two'));
    await vi.waitFor(() => expect(buffer.text()).toBe('two'));
    expect(file.unsaved).toBe(false);
  });

  it('keeps unsaved edits when the file changes outside, and says so', async () => {
    const { files, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('mine');
    files['a.py'] = 'theirs';
    file.changedOutside(item('a.py', 'theirs'));
    expect(file.state.get().outside).toBe('changed');
    expect(buffer.text()).toBe('mine');
  });

  it('does not mistake its own save for a change from outside', async () => {
    const { open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('two');
    const saving = file.save();
    file.changedOutside(item('a.py', 'two'));
    await saving;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(file.state.get()).toMatchObject({ outside: null, save: { kind: 'saved' } });
  });

  it('resolves a conflict as the user decides', async () => {
    for (const choice of ['mine', 'theirs', 'both'] as const) {
      const { files, open } = setUp({ 'a.py': 'one' });
      const { file, buffer } = await open('a.py');
      files['a.py'] = 'theirs';
      buffer.type('mine');
      expect(await file.save()).toBe(false);
      expect(file.state.get().save.kind).toBe('conflict');
      if (choice === 'mine') await file.takeMine();
      if (choice === 'theirs') await file.takeTheirs();
      if (choice === 'both') await file.keepBoth('copy.py');
      expect(files['a.py']).toBe(choice === 'mine' ? 'mine' : 'theirs');
      expect(files['copy.py']).toBe(choice === 'both' ? 'mine' : undefined);
      expect(file.state.get().save.kind).toBe('saved');
    }
  });

  it('offers to write a file again that was deleted outside', async () => {
    const { files, open } = setUp({ 'a.py': 'one' });
    const { file } = await open('a.py');
    delete files['a.py'];
    file.changedOutside(null);
    expect(file.state.get().outside).toBe('deleted');
    expect(await file.takeMine()).toBe(true);
    expect(files['a.py']).toBe('one');
    expect(file.state.get().outside).toBeNull();
  });

  it('restores a draft after a crash, saves it, and forgets it', async () => {
    const { files, drafts, open } = setUp({ 'a.py': 'one' });
    await drafts.keep('a.py', 'typed before the crash', '"one"');
    const { file, buffer } = await open('a.py');
    expect(buffer.text()).toBe('typed before the crash');
    expect(file.state.get().restoredAt).not.toBeNull();
    expect(file.unsaved).toBe(true);
    expect(await file.save()).toBe(true);
    expect(files['a.py']).toBe('typed before the crash');
    expect(await drafts.read('a.py')).toBeUndefined();
  });

  it('does not let an old draft overwrite what was written since', async () => {
    const { files, drafts, open } = setUp({ 'a.py': 'newer' });
    await drafts.keep('a.py', 'old draft', '"older"');
    const { file } = await open('a.py');
    expect(await file.save()).toBe(false);
    expect(files['a.py']).toBe('newer');
    expect(file.state.get().save.kind).toBe('conflict');
  });

  it('keeps a draft shortly after a key, and at once when it is taken down', async () => {
    const { files, drafts, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('two');
    await new Promise((resolve) => setTimeout(resolve, DRAFT_DELAY_MS + 50));
    expect((await drafts.read('a.py'))?.text).toBe('two');
    buffer.type('three');
    files['a.py'] = 'theirs';
    file.dispose();
    await vi.waitFor(() => expect(buffer.disposed).toBe(true));
    expect((await drafts.read('a.py'))?.text).toBe('three');
  });

  it('is still changed outside after an undo, and then shows what is there', async () => {
    const { files, writes, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('mine');
    files['a.py'] = 'theirs';
    file.changedOutside(item('a.py', 'theirs'));
    buffer.type('one');
    await vi.waitFor(() => expect(buffer.text()).toBe('theirs'));
    expect(file.state.get()).toMatchObject({ outside: null, save: { kind: 'saved' } });
    buffer.type('theirs and mine');
    expect(await file.save()).toBe(true);
    expect(writes.at(-1)?.text).toBe('theirs and mine');
  });

  it('stays deleted when the edits made since are undone', async () => {
    const { files, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    delete files['a.py'];
    file.changedOutside(null);
    buffer.type('two');
    buffer.type('one');
    expect(file.state.get().outside).toBe('deleted');
  });

  it('calls a file deleted when that is what a save comes upon', async () => {
    const { files, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    delete files['a.py'];
    buffer.type('mine');
    expect(await file.save()).toBe(false);
    expect(file.state.get()).toMatchObject({ outside: 'deleted', save: { kind: 'dirty' } });
    expect(await file.takeMine()).toBe(true);
    expect(files['a.py']).toBe('mine');
  });

  it('writes no restored text until the user has kept it', async () => {
    vi.useFakeTimers();
    const { files, drafts, open } = setUp({ 'a.py': 'one' });
    await drafts.keep('a.py', 'draft', '"one"');
    await drafts.keep('gone.py', 'draft', '"was"');
    const { file } = await open('a.py');
    const { file: gone, buffer } = await open('gone.py');
    buffer.type('draft, and a key');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(files).toEqual({ 'a.py': 'one' });
    expect([file, gone].map(({ state }) => undecided(state.get()))).toEqual([true, true]);
    vi.useRealTimers();
    expect(await file.keepRestored()).toBe(true);
    expect(files).toEqual({ 'a.py': 'draft' });
  });

  it('does not let the draft of a new file overwrite one made since', async () => {
    const { files, drafts, open } = setUp({ 'a.py': 'theirs' });
    await drafts.keep('a.py', 'draft', '');
    const { file } = await open('a.py');
    expect(await file.save()).toBe(false);
    expect(files['a.py']).toBe('theirs');
  });

  it('keeps a draft typed during a save with the tag of that save', async () => {
    const { drafts, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('two');
    const saving = file.save();
    buffer.type('three');
    await saving;
    expect(await drafts.read('a.py')).toMatchObject({ text: 'three', etag: '"two"' });
    await file.discard();
  });

  it('knows the event of a save before its last one', async () => {
    const { open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    for (const text of ['two', 'three']) {
      buffer.type(text);
      await file.save();
    }
    buffer.type('four');
    file.changedOutside(item('a.py', 'two'));
    file.changedOutside(item('a.py', 'three'));
    expect(file.state.get().outside).toBeNull();
    file.changedOutside(item('a.py', 'two'));
    expect(file.state.get().outside).toBe('changed');
    await file.discard();
  });

  it('says that it is not up to date while a change cannot be read, and tries again', async () => {
    vi.useFakeTimers();
    const { files, backend, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    files['a.py'] = 'two';
    backend.read.mockRejectedValueOnce(new ApiError(503, 'busy', 'Not now.'));
    file.changedOutside(item('a.py', 'two'));
    await vi.advanceTimersByTimeAsync(0);
    expect(file.state.get().stale).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(buffer.text()).toBe('two');
    expect(file.state.get().stale).toBe(false);
    vi.useRealTimers();
  });

  it('reads once more, not once per event, and nothing that has grown too large', async () => {
    const { files, backend, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    backend.read.mockClear();
    for (const text of ['two', 'three', 'four']) {
      files['a.py'] = text;
      file.changedOutside(item('a.py', text));
    }
    await vi.waitFor(() => expect(buffer.text()).toBe('four'));
    expect(backend.read).toHaveBeenCalledTimes(2);
    file.changedOutside({ ...item('a.py', 'huge'), size: LARGEST_TEXT_BYTES + 1 });
    await vi.waitFor(() => expect(file.state.get().phase.kind).toBe('unsupported'));
    expect(backend.read).toHaveBeenCalledTimes(2);
  });

  it('is not deleted by the event of a rename that overtook its first reading', async () => {
    const { backend, files } = setUp({ 'a.py': 'x' });
    let answer: () => void = () => undefined;
    backend.read.mockImplementationOnce(
      () =>
        new Promise(
          (resolve) => (answer = () => resolve({ bytes: new TextEncoder().encode('x'), etag: '"x"' })),
        ),
    );
    const file = new OpenFile('a.py', backend);
    const loaded = file.load(null);
    await vi.waitFor(() => expect(backend.read).toHaveBeenCalled());
    files['b.py'] = 'x';
    delete files['a.py'];
    file.changedOutside(null);
    file.renamed('b.py');
    answer();
    await loaded;
    await vi.waitFor(() => expect(backend.read).toHaveBeenLastCalledWith('b.py'));
    expect(file.state.get()).toMatchObject({ phase: { kind: 'ready' }, outside: null });
  });

  it('saves what was about to be saved when it is taken down, and forgets the draft', async () => {
    const { files, drafts, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('two');
    file.dispose();
    await vi.waitFor(() => expect(buffer.disposed).toBe(true));
    expect(files['a.py']).toBe('two');
    expect(await drafts.paths()).toEqual([]);
  });
});

describe('merging', () => {
  it('knows what the text was made from after others have written, and after its own saves', async () => {
    const { files, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('two');
    await file.save();
    files['a.py'] = 'theirs';
    buffer.type('mine');
    expect(await file.save()).toBe(false);
    const { mine, theirs, base } = await file.sides();
    expect(mine).toBe('mine');
    expect(theirs.etag).toBe('"theirs"');
    expect(base.etag).toBe('"two"');
    expect(new TextDecoder().decode(base.bytes ?? undefined)).toBe('two');
  });

  it('writes the merged text over that very version, and no later one', async () => {
    const { files, writes, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('mine');
    files['a.py'] = 'theirs';
    await file.save();
    files['a.py'] = 'later';
    expect(await file.takeMerged('merged', '"theirs"')).toBe(false);
    expect(file.state.get().save.kind).toBe('conflict');
    expect(buffer.text()).toBe('merged');
    expect(await file.takeMerged('merged again', '"later"')).toBe(true);
    expect(files['a.py']).toBe('merged again');
    expect(writes.at(-1)?.expect).toEqual({ etag: '"later"' });
    expect(file.unsaved).toBe(false);
  });

  it('writes a merge that came to what was typed before', async () => {
    const { files, open } = setUp({ 'a.py': 'one' });
    const { file, buffer } = await open('a.py');
    buffer.type('mine');
    files['a.py'] = 'theirs';
    await file.save();
    expect(await file.takeMerged('one', '"theirs"')).toBe(true);
    expect(files['a.py']).toBe('one');
  });

  it('has forgotten what a restored draft was made from', async () => {
    const { drafts, open } = setUp({ 'a.py': 'theirs' });
    await drafts.keep('a.py', 'mine', '"old"');
    const { file } = await open('a.py');
    expect((await file.sides()).base).toEqual({ etag: '"old"', bytes: null });
  });
});
