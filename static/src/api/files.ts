/** File bodies: raw bytes both ways, outside the JSON client. */
import { encodePath } from '@/lib/paths';
import { API_BASE, request } from './client';
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
  const response = await request(fileUrl(session, path), { method: 'PUT', headers, body });
  if (!response.ok) throw await errorFrom(response);
  const item = (await response.json()) as Item;
  return {
    etag: response.headers.get('etag') ?? item.etag ?? '',
    conflictCopy: item.conflict_copy ?? null,
  };
}

export async function deleteItem(session: string, path: string): Promise<void> {
  const response = await request(fileUrl(session, path), { method: 'DELETE' });
  if (!response.ok) throw await errorFrom(response);
}
