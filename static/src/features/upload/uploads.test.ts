import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, unreachable } from '@/api/problem';
import type { UploadInfo } from '@/api/types';
import { collectChosen, collectDropped, type DroppedEntry } from './collect';
import { UploadMemory } from './upload-memory';
import { Uploads } from './uploads';

const CHUNK = 4;

/** A server that takes chunks, and can be told to fail. */
class FakeServer {
  files = new Map<string, string>();
  folders: string[] = [];
  given: string[] = [];
  chunks: [id: string, offset: number][] = [];
  begun = 0;
  pauses = 0;
  /** Taken one by one before each chunk is looked at. */
  failures: (Error | null)[] = [];
  room = 1_000;
  largest = 900;
  /** Whether what comes of the next chunk is told. */
  deaf = false;
  private readonly uploads = new Map<string, { info: UploadInfo; text: string; replace: boolean }>();

  readonly around = {
    wire: {
      begin: ({ path, size, replace }: { path: string; size: number; replace: boolean }) => {
        if (this.files.has(path) && !replace)
          return Promise.reject(new ApiError(409, 'already_exists', 'Taken.'));
        this.begun += 1;
        const info = { id: `u${this.begun}`, path, size, offset: 0, chunk_bytes: CHUNK };
        this.uploads.set(info.id, { info, text: '', replace });
        return Promise.resolve(info);
      },
      read: (id: string) => {
        const upload = this.uploads.get(id);
        return upload ? Promise.resolve({ ...upload.info }) : Promise.reject(gone());
      },
      send: async (id: string, offset: number, chunk: ArrayBuffer) => {
        const failure = this.failures.shift();
        if (failure) throw failure;
        const upload = this.uploads.get(id);
        if (!upload) throw gone();
        const { info } = upload;
        if (info.saved) throw new Error('sent what is there');
        if (offset !== info.offset) throw new ApiError(409, 'wrong_offset', 'No.', null, null, info.offset);
        this.chunks.push([id, offset]);
        upload.text += await new Blob([chunk]).text();
        info.offset += chunk.byteLength;
        if (info.offset < info.size) return info.offset;
        this.files.set(info.path, upload.text);
        info.saved = { path: info.path, kind: 'file', size: info.size, executable: false, modified_at: '' };
        if (this.deaf) throw unreachable();
        return null;
      },
      pause: (_attempt: number, signal: AbortSignal) => {
        this.pauses += 1;
        return new Promise<void>((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
          if (!this.hold) resolve();
        });
      },
    },
    memory: new UploadMemory('s'),
    makeFolder: (path: string) => {
      this.folders.push(path);
      return Promise.resolve();
    },
    give: (id: string) => {
      this.given.push(id);
      this.uploads.delete(id);
      return Promise.resolve();
    },
    room: () => this.room,
    largest: () => this.largest,
    freePath: (path: string) => `${path} 2`,
  };
  /** Whether pauses never end. */
  hold = false;

  /** Sends as much of an upload as a page did that is no more. */
  async leftBehind(path: string, text: string, size: number): Promise<string> {
    const { id } = await this.around.wire.begin({ path, size, replace: false });
    await this.around.wire.send(id, 0, new TextEncoder().encode(text).buffer);
    return id;
  }
}

function gone(): ApiError {
  return new ApiError(404, 'not_found', 'No such upload.');
}

function file(name: string, text: string): File {
  return new File([text], name, { lastModified: 7 });
}

function chosen(...files: File[]) {
  return collectChosen(files);
}

async function settled(uploads: Uploads): Promise<void> {
  await vi.waitFor(() => expect(uploads.state.get().busy).toBe(false));
}

let server: FakeServer;
let uploads: Uploads;

beforeEach(() => {
  const stored = new Map<string, string>();
  vi.stubGlobal('window', {
    localStorage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    },
  });
  server = new FakeServer();
  uploads = new Uploads(server.around);
});

describe('uploads', () => {
  it('send files in chunks into a folder, and tell how far they are', async () => {
    expect(uploads.add(chosen(file('a.txt', '0123456789'), file('empty', '')), 'data')).toBeNull();
    expect(uploads.state.get()).toMatchObject({ count: 2, size: 10, busy: true });
    await settled(uploads);
    expect(server.files).toEqual(
      new Map([
        ['data/empty', ''],
        ['data/a.txt', '0123456789'],
      ]),
    );
    expect(uploads.state.get()).toMatchObject({ saved: 2, failed: 0, sent: 10 });
  });

  it('make folders in which there is nothing', async () => {
    uploads.add({ files: [], folders: ['a/b'], truncated: false, unreadable: [] }, 'top');
    await settled(uploads);
    expect(server.folders).toEqual(['top/a/b']);
  });

  it('go on where they were after the connection broke, sending nothing twice', async () => {
    server.failures = [null, unreachable(), unreachable(), null];
    uploads.add(chosen(file('a.txt', '0123456789')), '');
    await settled(uploads);
    expect(server.files.get('a.txt')).toBe('0123456789');
    expect(server.chunks.map(([, offset]) => offset)).toEqual([0, 4, 8]);
    expect(server.pauses).toBe(2);
  });

  it('say that they wait, for as long as there is no connection', async () => {
    server.hold = true;
    server.failures = [unreachable()];
    uploads.add(chosen(file('a.txt', '0123')), '');
    await vi.waitFor(() => expect(uploads.state.get().rows[0]?.status.kind).toBe('retrying'));
    uploads.cancelAll();
    await settled(uploads);
    expect(uploads.state.get().rows[0]?.status.kind).toBe('cancelled');
    expect(server.given).toEqual(['u1']);
  });

  it('believe the server about where the next chunk begins', async () => {
    server.failures = [null, new ApiError(409, 'wrong_offset', 'No.', null, null, 4)];
    uploads.add(chosen(file('a.txt', '0123456789')), '');
    await settled(uploads);
    expect(server.files.get('a.txt')).toBe('0123456789');
  });

  it('begin anew when the server has swept what was there', async () => {
    server.failures = [null, gone()];
    uploads.add(chosen(file('a.txt', '0123456789')), '');
    await settled(uploads);
    expect(server.begun).toBe(2);
    expect(server.files.get('a.txt')).toBe('0123456789');
  });

  it('fail with the server’s words, and are tried again on demand', async () => {
    server.failures = [new ApiError(413, 'too_large', 'Too large.')];
    uploads.add(chosen(file('a.txt', '0123')), '');
    await settled(uploads);
    expect(uploads.state.get().rows[0]?.status).toEqual({ kind: 'failed', message: 'Too large.' });
    uploads.retryFailed();
    await settled(uploads);
    expect(server.files.get('a.txt')).toBe('0123');
  });

  it('fail when the file has changed on the user’s machine', async () => {
    const changed = file('a.txt', '0123');
    vi.spyOn(changed, 'slice').mockImplementation(() => {
      throw new DOMException('gone', 'NotReadableError');
    });
    uploads.add(chosen(changed), '');
    await settled(uploads);
    expect(uploads.state.get().rows[0]?.status).toMatchObject({
      kind: 'failed',
      message: /changed or removed/,
    });
  });

  it('are there when only the answer to the last chunk was lost', async () => {
    server.deaf = true;
    uploads.add(chosen(file('a.txt', '012345')), '');
    await settled(uploads);
    expect(uploads.state.get()).toMatchObject({ saved: 1, failed: 0 });
    expect(server.chunks).toEqual([
      ['u1', 0],
      ['u1', 4],
    ]);
  });

  it('are refused whole, and said so, before the first byte when there is no room for all', () => {
    server.room = 5;
    expect(uploads.add(chosen(file('a.txt', '0123'), file('b.txt', '0123')), '')).toMatch(
      /8 B are to be uploaded, and there is room for 5 B/,
    );
    expect(server.begun).toBe(0);
    expect(uploads.state.get().count).toBe(0);
  });

  it('are not sent where one is larger than a file may be, and the others are', async () => {
    server.largest = 4;
    expect(uploads.add(chosen(file('a.txt', '0123'), file('b.txt', '01234')), '')).toBeNull();
    await settled(uploads);
    expect([...server.files.keys()]).toEqual(['a.txt']);
    const row = uploads.state.get().rows.find(({ path }) => path === 'b.txt');
    expect(row?.status).toEqual({ kind: 'failed', message: 'It has 5 B; a file may have 4 B at the most.' });
  });
});

describe('what is there already', () => {
  beforeEach(() => {
    server.files.set('a', 'old').set('b', 'old').set('c', 'old');
  });

  const asked = () => vi.waitFor(() => expect(uploads.state.get().question).not.toBeNull());

  it('is asked about one by one', async () => {
    uploads.add(chosen(file('a', 'new'), file('b', 'new'), file('c', 'new')), '');
    await asked();
    await vi.waitFor(() => expect(uploads.state.get().question).toEqual({ path: 'a', others: 2 }));
    uploads.answer('replace', false);
    await vi.waitFor(() => expect(uploads.state.get().question?.path).toBe('b'));
    uploads.answer('keep_both', false);
    await vi.waitFor(() => expect(uploads.state.get().question?.path).toBe('c'));
    uploads.answer('skip', false);
    await settled(uploads);
    expect(Object.fromEntries(server.files)).toEqual({ a: 'new', b: 'old', 'b 2': 'new', c: 'old' });
    expect(uploads.state.get()).toMatchObject({ saved: 2, question: null });
  });

  it('is asked about once when the answer is for all', async () => {
    uploads.add(chosen(file('a', 'new'), file('b', 'new'), file('c', 'new')), '');
    await asked();
    uploads.answer('replace', true);
    await settled(uploads);
    expect([...server.files.values()]).toEqual(['new', 'new', 'new']);
  });

  it('is asked about again with the next files', async () => {
    uploads.add(chosen(file('a', 'new')), '');
    await asked();
    uploads.answer('replace', true);
    await settled(uploads);
    uploads.add(chosen(file('a', 'newer')), '');
    await asked();
    uploads.cancelAll();
    await settled(uploads);
    expect(server.files.get('a')).toBe('new');
  });
});

describe('an upload of an earlier visit', () => {
  it('is told, and continued with the same file', async () => {
    const id = await server.leftBehind('data/a.txt', '0123', 10);
    server.around.memory.keep(id, 'data/a.txt', { size: 10, lastModified: 7 });
    uploads = new Uploads(server.around);
    expect(uploads.state.get().interrupted).toEqual(['data/a.txt']);
    uploads.add(chosen(file('a.txt', '0123456789')), 'data');
    expect(uploads.state.get().interrupted).toEqual([]);
    await settled(uploads);
    expect(server.files.get('data/a.txt')).toBe('0123456789');
    expect(server.chunks.filter(([of, offset]) => of === id && offset === 0)).toHaveLength(1);
    expect(server.around.memory.all()).toEqual([]);
  });

  it('goes where it went, when its file is chosen again', async () => {
    const id = await server.leftBehind('data/a.txt', '0123', 10);
    server.around.memory.keep(id, 'data/a.txt', { size: 10, lastModified: 7 });
    expect(uploads.continueWith(chosen(file('a.txt', '0123456789'), file('b.txt', 'x')))).toBe(
      '“b.txt” is not what was sent before.',
    );
    await settled(uploads);
    expect(Object.fromEntries(server.files)).toEqual({ 'data/a.txt': '0123456789' });
  });

  it('is not continued with another file by its name', async () => {
    const id = await server.leftBehind('a.txt', '0123', 10);
    server.around.memory.keep(id, 'a.txt', { size: 10, lastModified: 6 });
    uploads.add(chosen(file('a.txt', 'abcdefghij')), '');
    await settled(uploads);
    expect(server.files.get('a.txt')).toBe('abcdefghij');
    expect(uploads.state.get().interrupted).toEqual(['a.txt']);
    uploads.forgetInterrupted();
    expect(server.given).toEqual([id]);
    expect(uploads.state.get().interrupted).toEqual([]);
  });

  it('is forgotten after a day', () => {
    let now = 0;
    const memory = new UploadMemory('s', () => now);
    memory.keep('u', 'a', { size: 1, lastModified: 1 });
    now = 25 * 3600 * 1000;
    expect(memory.all()).toEqual([]);
  });
});

describe('what is dropped', () => {
  const entry = (name: string): DroppedEntry => ({
    name,
    isFile: true,
    isDirectory: false,
    file: (done) => done(file(name, name)),
  });
  const folder = (name: string, ...inside: DroppedEntry[]): DroppedEntry => ({
    name,
    isFile: false,
    isDirectory: true,
    createReader: () => {
      const rest = [...inside];
      // As browsers do it: some at a time, then none.
      return { readEntries: (done) => done(rest.splice(0, 2)) };
    },
  });

  it('is gone through, whatever is in how many folders', async () => {
    const found = await collectDropped([
      folder('data', entry('a'), folder('deep', entry('b')), entry('c'), folder('empty')),
      entry('d'),
    ]);
    expect(found.files.map(({ path }) => path).sort()).toEqual(['d', 'data/a', 'data/c', 'data/deep/b']);
    expect(found.folders).toEqual(['data/empty']);
  });

  it('is told where it cannot be read', async () => {
    const broken: DroppedEntry = {
      ...entry('x'),
      file: (_done, failed) => failed(new DOMException('', 'NotReadableError')),
    };
    expect(await collectDropped([broken, entry('y')])).toMatchObject({
      files: [{ path: 'y' }],
      unreadable: ['x'],
    });
  });
});
