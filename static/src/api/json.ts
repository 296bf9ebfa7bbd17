/** JSON requests to routes the generated client does not know. */
import { API_BASE, request } from './client';
import { errorFrom } from './problem';

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answer(await request(`${API_BASE}${path}`, { cache: 'no-store', ...(signal ? { signal } : {}) }));
}

export async function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return answer(
    await request(`${API_BASE}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    }),
  );
}

async function answer<T>(response: Response): Promise<T> {
  if (!response.ok) throw await errorFrom(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
