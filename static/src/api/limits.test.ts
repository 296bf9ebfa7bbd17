import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeFile } from './files';
import { UNREACHABLE, type ApiError } from './problem';
import { sendChunk } from './uploads';

const late = new DOMException('too late', 'TimeoutError');
let limit = new AbortController();
const limits: number[] = [];

/** A server that takes what is sent and never answers. */
function silence(_input: unknown, init?: RequestInit): Promise<Response> {
  return new Promise((_resolve, reject) => {
    init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
  });
}

beforeEach(() => {
  limit = new AbortController();
  limits.length = 0;
  vi.stubGlobal('fetch', silence);
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    limits.push(ms);
    return limit.signal;
  });
});
afterEach(() => void vi.unstubAllGlobals());

const body = new Uint8Array(3_200_000);

describe('sending', () => {
  it.each([
    ['a file', () => writeFile('s', 'a.py', body, 'any')],
    ['a chunk', () => sendChunk('s', 'u', 0, body.buffer, new AbortController().signal)],
  ])('%s is given up as unreachable after a time that grows with it', async (_what, send) => {
    const sending = send();
    limit.abort(late);
    const error = await sending.catch((reason: unknown) => reason as ApiError);
    expect(error).toMatchObject({ code: UNREACHABLE, transient: true });
    expect(limits).toEqual([160_000]);
  });

  it('a chunk still ends when the user gives it up', async () => {
    const user = new AbortController();
    const sending = sendChunk('s', 'u', 0, body.buffer, user.signal);
    user.abort();
    await expect(sending).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('takes an answer that breaks off for none', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"path":', { status: 200 })));
    await expect(writeFile('s', 'a.py', body, 'any')).rejects.toMatchObject({ transient: true });
  });
});
