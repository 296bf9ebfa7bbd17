/** File bodies: raw bytes both ways, outside the JSON client. */
import { encodePath } from '@/lib/paths';
import { API_BASE, request } from './client';
import { sendLimit, wholeAnswer } from './limits';
import { errorFrom } from './problem';
import type { Item } from './types';

/** What a write expects to find: this content, nothing at all, or whatever is there. */
export type Precondition = { etag: string } | 'absent' | 'any';

export interface FileContent {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string;
}

export function fileUrl(session: string, path: string): string {
  return `${API_BASE}/sessions/${session}/files/${encodePath(path)}`;
}

export async function readFile(session: string, path: string, signal?: AbortSignal): Promise<FileContent> {
  const response = await request(fileUrl(session, path), {
    ...(signal ? { signal } : {}),
    cache: 'no-store',
  });
  if (!response.ok) throw await errorFrom(response);
  return {
    bytes: new Uint8Array(await response.arrayBuffer()),
    etag: response.headers.get('etag') ?? '',
  };
}

export interface FileHead {
  bytes: Uint8Array<ArrayBuffer>;
  /** Whether the file ends where these bytes do. */
  whole: boolean;
}

/** The first bytes of a file, `most` at the most; the rest is not sent for. */
export async function readHead(
  session: string,
  path: string,
  most: number,
  signal: AbortSignal,
): Promise<FileHead> {
  const response = await request(fileUrl(session, path), { signal, cache: 'no-store' });
  if (!response.ok) throw await errorFrom(response);
  const reader = response.body?.getReader();
  const bytes = new Uint8Array(most);
  let filled = 0;
  for (;;) {
    const chunk = await reader?.read();
    if (!chunk || chunk.done) return { bytes: bytes.slice(0, filled), whole: true };
    const room = most - filled;
    bytes.set(chunk.value.subarray(0, room), filled);
    filled += Math.min(room, chunk.value.length);
    if (chunk.value.length > room) {
      // What is on its way is dropped with the connection.
      void reader?.cancel().catch(() => undefined);
      return { bytes, whole: false };
    }
  }
}

export interface WriteResult {
  etag: string;
  conflictCopy: string | null;
}

export async function writeFile(
  session: string,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  expect: Precondition,
): Promise<WriteResult> {
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
  if (expect === 'absent') headers['if-none-match'] = '*';
  else if (expect !== 'any') headers['if-match'] = expect.etag;
  const response = await request(fileUrl(session, path), {
    method: 'PUT',
    headers,
    body,
    signal: sendLimit(body.length),
  });
  if (!response.ok) throw await errorFrom(response);
  const item = await wholeAnswer<Item>(response);
  return {
    etag: response.headers.get('etag') ?? item.etag ?? '',
    conflictCopy: item.conflict_copy ?? null,
  };
}

export async function deleteItem(session: string, path: string): Promise<void> {
  const response = await request(fileUrl(session, path), { method: 'DELETE' });
  if (!response.ok) throw await errorFrom(response);
}
