/** Files and folders as wholes: copied, deleted, had back, packed. */
import { encodePath } from '@/lib/paths';
import { API_BASE, api, unwrap } from './client';
import type { Item, UnkeptItems } from './types';

/** Paths in one request. */
export const MOST_PATHS = 1_000;

/** Replaces nothing. */
export function copyItem(session: string, from: string, to: string): Promise<Item> {
  const path = { id: session };
  return unwrap(api.POST('/api/v1/sessions/{id}/copy', { params: { path }, body: { from, to } }));
}

/** All of them, or none. `giveUp`: what of that folders hold in the sandbox alone goes with them, by name, or all of it. */
export async function deleteItems(
  session: string,
  paths: readonly string[],
  giveUp: readonly string[] | 'all',
): Promise<void> {
  const params = { path: { id: session }, query: { discard: giveUp === 'all' } };
  const names = giveUp === 'all' ? [] : giveUp.slice(0, MOST_PATHS);
  const body = { paths: [...paths], give_up: names };
  await unwrap(api.POST('/api/v1/sessions/{id}/delete', { params, body }));
}

/** Has back what was at a path before it was last deleted, with everything that was in it. */
export async function restoreItem(session: string, path: string): Promise<void> {
  const params = { path: { id: session } };
  await unwrap(api.POST('/api/v1/sessions/{id}/restore', { params, body: { path } }));
}

/** What is in the live sandbox, and would be gone with it. */
export function fetchUnkept(session: string): Promise<UnkeptItems> {
  return unwrap(api.GET('/api/v1/sessions/{id}/unkept', { params: { path: { id: session } } }));
}

/** Where files and folders are downloaded as one zip; without any, everything. */
export function archiveUrl(session: string, paths: readonly string[] = []): string {
  const query = paths.map((path) => `path=${encodePath(path)}`).join('&');
  return `${API_BASE}/sessions/${session}/archive.zip${query === '' ? '' : `?${query}`}`;
}
