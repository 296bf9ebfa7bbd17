/** Files sent in chunks, which may be sent again where a connection has broken. */
import { API_BASE, request } from './client';
import { getJson, postJson } from './json';
import { errorFrom } from './problem';

export interface UploadInfo {
  id: string;
  path: string;
  size: number;
  /** Where the next chunk begins. */
  offset: number;
  /** The most bytes of a chunk. */
  chunk_bytes: number;
}

export interface NewUpload {
  path: string;
  size: number;
  /** Whether what is there may be replaced. */
  replace: boolean;
}

export function beginUpload(session: string, upload: NewUpload, signal: AbortSignal): Promise<UploadInfo> {
  return postJson(`/sessions/${session}/upload`, upload, signal);
}

/** How far an upload is. */
export function readUpload(session: string, id: string, signal: AbortSignal): Promise<UploadInfo> {
  return getJson(`/sessions/${session}/upload/${id}`, signal);
}

/** Where the next chunk begins; `null` when the file is whole and saved. */
export async function sendChunk(
  session: string,
  id: string,
  offset: number,
  chunk: ArrayBuffer,
  signal: AbortSignal,
): Promise<number | null> {
  const response = await request(`${API_BASE}/sessions/${session}/upload/${id}?offset=${offset}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: chunk,
    signal,
  });
  if (!response.ok) throw await errorFrom(response);
  if (response.status !== 202) return null;
  return ((await response.json()) as Pick<UploadInfo, 'offset'>).offset;
}

/** Gives an upload up. */
export async function giveUpload(session: string, id: string): Promise<void> {
  const response = await request(`${API_BASE}/sessions/${session}/upload/${id}`, { method: 'DELETE' });
  if (!response.ok && response.status !== 404) throw await errorFrom(response);
}
