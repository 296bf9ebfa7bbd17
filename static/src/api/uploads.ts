/** Files sent in chunks, which may be sent again where a connection has broken. */
import { API_BASE, api, request, unwrap } from './client';
import { sendLimit, wholeAnswer } from './limits';
import { errorFrom } from './problem';
import type { UploadInfo } from './types';

export interface NewUpload {
  path: string;
  size: number;
  /** Whether what is there may be replaced. */
  replace: boolean;
}

export function beginUpload(session: string, upload: NewUpload, signal: AbortSignal): Promise<UploadInfo> {
  const params = { path: { id: session } };
  return unwrap(api.POST('/api/v1/sessions/{id}/upload', { params, body: upload, signal }));
}

/** How far an upload is. */
export function readUpload(session: string, id: string, signal: AbortSignal): Promise<UploadInfo> {
  const params = { path: { id: session, uid: id } };
  return unwrap(api.GET('/api/v1/sessions/{id}/upload/{uid}', { params, signal }));
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
    signal: AbortSignal.any([signal, sendLimit(chunk.byteLength)]),
  });
  if (!response.ok) throw await errorFrom(response);
  if (response.status !== 202) return null;
  return (await wholeAnswer<Pick<UploadInfo, 'offset'>>(response)).offset;
}

/** Gives an upload up. */
export async function giveUpload(session: string, id: string): Promise<void> {
  const params = { path: { id: session, uid: id } };
  await unwrap(api.DELETE('/api/v1/sessions/{id}/upload/{uid}', { params }));
}
