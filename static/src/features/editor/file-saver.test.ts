import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Precondition, WriteResult } from '@/api/files';
import { ApiError, unreachable } from '@/api/problem';
import { FakeBuffer } from '@/test/fake-buffer';
import { AUTOSAVE_MS, FileSaver, type Found } from './file-saver';

interface Write {
  text: string;
  expect: Precondition;
  answer: (etag: string) => void;
  fail: (error: Error) => void;
}

function setUp(base: Precondition = { etag: '"1"' }) {
  const buffer = new FakeBuffer('one');
  const writes: Write[] = [];
  const states: string[] = [];
  const lookAgain = vi.fn<(ours: readonly string[]) => Promise<Found>>(() =>
    Promise.resolve({ kind: 'theirs' }),
  );
  const saver: FileSaver = new FileSaver(
    {
      buffer,
      write: (text, expectation) =>
        new Promise<WriteResult>((resolve, reject) => {
          writes.push({
            text,
            expect: expectation,
            answer: (etag) => resolve({ etag, conflictCopy: null }),
            fail: reject,
          });
        }),
      onState: (state) => states.push(state.kind),
      onWritten: () => undefined,
      lookAgain,
    },
    base,
  );
  buffer.onChange(() => saver.edited());
  const last = (): Write => {
    const write = writes.at(-1);
    if (!write) throw new Error('nothing was written');
    return write;
  };
  return { buffer, writes, states, saver, lookAgain, last };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('FileSaver', () => {
  it('saves by itself a pause after the last key, with the tag it started from', async () => {
    const { buffer, writes, saver, last } = setUp();
    buffer.type('two');
    await vi.advanceTimersByTimeAsync(AUTOSAVE_MS - 1);
    buffer.type('three');
    await vi.advanceTimersByTimeAsync(AUTOSAVE_MS - 1);
    expect(writes).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(last()).toMatchObject({ text: 'three', expect: { etag: '"1"' } });
    last().answer('"2"');
    await settle();
    expect(saver.current.kind).toBe('saved');
    expect(saver.etag).toBe('"2"');
  });

  it('has one write in flight, and the next one builds on its tag', async () => {
    const { buffer, writes, saver, last } = setUp();
    buffer.type('two');
    const first = saver.flush();
    await settle();
    buffer.type('three');
    const second = saver.flush();
    await settle();
    expect(writes).toHaveLength(1);
    last().answer('"2"');
    await settle();
    expect(await first).toBe(false);
    expect(writes).toHaveLength(2);
    expect(last()).toMatchObject({ text: 'three', expect: { etag: '"2"' } });
    last().answer('"3"');
    expect(await second).toBe(true);
  });

  it('is not saved while text typed during the write is not', async () => {
    const { buffer, saver, last } = setUp();
    buffer.type('two');
    void saver.flush();
    await settle();
    buffer.type('three');
    last().answer('"2"');
    await settle();
    expect(saver.current.kind).toBe('dirty');
  });

  it('keeps the text and tries again, longer each time, while the server is away', async () => {
    const { buffer, writes, saver, last } = setUp();
    buffer.type('two');
    void saver.flush();
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await settle();
      last().fail(unreachable());
      await settle();
      expect(saver.current.kind).toBe('retrying');
      await vi.advanceTimersByTimeAsync(6_000);
      expect(writes).toHaveLength(attempt + 1);
    }
    last().answer('"2"');
    await settle();
    expect(saver.current.kind).toBe('saved');
  });

  it('says why and waits when the server refuses', async () => {
    const { buffer, writes, saver, last } = setUp();
    buffer.type('two');
    void saver.flush();
    await settle();
    last().fail(new ApiError(413, 'quota_exceeded', 'The workspace is full.'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(saver.current).toEqual({ kind: 'failed', message: 'The workspace is full.' });
    expect(writes).toHaveLength(1);
    buffer.type('shorter');
    await vi.advanceTimersByTimeAsync(AUTOSAVE_MS);
    expect(writes).toHaveLength(2);
  });

  it('stops at a conflict and writes nothing until the user has decided', async () => {
    const { buffer, writes, saver, last } = setUp();
    buffer.type('two');
    void saver.flush();
    await settle();
    last().fail(new ApiError(412, 'precondition_failed', 'changed'));
    await settle();
    expect(saver.current.kind).toBe('conflict');
    buffer.type('three');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(writes).toHaveLength(1);
    expect(await saver.flush()).toBe(false);
    saver.rebase({ etag: '"theirs"' }, false);
    void saver.flush();
    await settle();
    expect(last()).toMatchObject({ text: 'three', expect: { etag: '"theirs"' } });
  });

  it('recognises its own write whose answer was lost', async () => {
    const { buffer, saver, lookAgain, last } = setUp();
    lookAgain.mockResolvedValue({ kind: 'ours', text: 'two', etag: '"2"' });
    buffer.type('two');
    void saver.flush();
    await settle();
    last().fail(new ApiError(412, 'precondition_failed', 'changed'));
    await settle();
    expect(saver.current.kind).toBe('saved');
    expect(saver.etag).toBe('"2"');
  });

  it('is saved again when the user undoes everything', async () => {
    const { buffer, writes, saver } = setUp();
    buffer.type('two');
    expect(saver.current.kind).toBe('dirty');
    buffer.type('one');
    expect(saver.current.kind).toBe('saved');
    await vi.advanceTimersByTimeAsync(AUTOSAVE_MS);
    expect(writes).toHaveLength(0);
  });

  it('saves nothing by itself while paused', async () => {
    const { buffer, writes, saver } = setUp();
    saver.pause();
    buffer.type('two');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(writes).toHaveLength(0);
  });

  it('does not call an undone text saved while a write may still have arrived', async () => {
    const { buffer, writes, saver, lookAgain, last } = setUp();
    buffer.type('two');
    void saver.flush();
    await settle();
    last().fail(unreachable());
    await settle();
    buffer.type('one');
    expect(saver.current.kind).toBe('retrying');
    await vi.advanceTimersByTimeAsync(6_000);
    // The first write had arrived, and only its answer was lost.
    lookAgain.mockResolvedValue({ kind: 'ours', text: 'two', etag: '"2"' });
    last().fail(new ApiError(412, 'precondition_failed', 'changed'));
    await settle();
    expect(lookAgain).toHaveBeenLastCalledWith(['one', 'two'], '"1"');
    expect(saver.current.kind).toBe('dirty');
    await vi.advanceTimersByTimeAsync(AUTOSAVE_MS);
    expect(writes).toHaveLength(3);
    expect(last()).toMatchObject({ text: 'one', expect: { etag: '"2"' } });
    last().answer('"3"');
    await settle();
    expect(saver.current.kind).toBe('saved');
  });

  it('is in no conflict with a file that is gone', async () => {
    const { buffer, writes, saver, lookAgain, last } = setUp();
    lookAgain.mockResolvedValue({ kind: 'nothing' });
    buffer.type('two');
    void saver.flush();
    await settle();
    last().fail(new ApiError(412, 'precondition_failed', 'changed'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(saver.current.kind).toBe('dirty');
    expect(writes).toHaveLength(1);
  });

  it('saves restored text at the next key, not by itself', async () => {
    const { buffer, writes, saver } = setUp();
    saver.markDirty();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(writes).toHaveLength(0);
    buffer.type('two');
    await vi.advanceTimersByTimeAsync(AUTOSAVE_MS);
    expect(writes).toHaveLength(1);
  });

  it('writes at its end what it would have written in a moment', async () => {
    const { buffer, saver, last } = setUp();
    buffer.type('two');
    void saver.flush();
    await settle();
    buffer.type('three');
    const left = saver.leave();
    last().answer('"2"');
    await settle();
    expect(last()).toMatchObject({ text: 'three', expect: { etag: '"2"' } });
    last().answer('"3"');
    expect(await left).toBe(true);
  });

  it('writes again where the file had another name when it was written', async () => {
    const { buffer, writes, saver, lookAgain, last } = setUp();
    lookAgain.mockResolvedValue({ kind: 'base' });
    buffer.type('two');
    const saving = saver.flush();
    last().fail(new ApiError(412, 'precondition_failed', 'changed'));
    await settle();
    expect(lookAgain).toHaveBeenCalledWith(['two'], '"1"');
    expect(writes).toHaveLength(2);
    expect(last()).toMatchObject({ text: 'two', expect: { etag: '"1"' } });
    last().answer('"2"');
    await settle();
    expect(await saving).toBe(true);
  });

  it('does not write again and again what is refused without a reason', async () => {
    const { buffer, writes, saver, lookAgain, last } = setUp();
    lookAgain.mockResolvedValue({ kind: 'base' });
    buffer.type('two');
    const saving = saver.flush();
    for (let count = 0; count < 2; count += 1) {
      last().fail(new ApiError(412, 'precondition_failed', 'changed'));
      await settle();
    }
    expect(await saving).toBe(false);
    expect(writes).toHaveLength(2);
    expect(saver.current.kind).toBe('conflict');
  });
});
