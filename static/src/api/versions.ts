/** A workspace's past: versions of its items, their contents, and going back to them. */
import { encodePath } from '@/lib/paths';
import { API_BASE, api, request, unwrap } from './client';
import { errorFrom } from './problem';
import type { FileContent } from './files';
import type { Changed, Item, Version, VersionPage } from './types';

export interface VersionQuery {
  /** Everything below a folder too. */
  under?: boolean;
  /** Only what was removed. */
  removed?: boolean;
  limit?: number;
  cursor?: string | null;
  signal?: AbortSignal;
}

function versionsUrl(session: string, path: string): string {
  return `${API_BASE}/sessions/${session}/versions/${encodePath(path)}`;
}

/** Versions of a path, the newest first. */
export async function fetchVersions(
  session: string,
  path: string,
  query: VersionQuery = {},
): Promise<VersionPage> {
  const search = new URLSearchParams();
  if (query.under !== undefined) search.set('under', `${query.under}`);
  if (query.removed) search.set('change', 'removed');
  if (query.limit !== undefined) search.set('limit', `${query.limit}`);
  if (query.cursor) search.set('cursor', query.cursor);
  const url = `${versionsUrl(session, path)}${search.size > 0 ? `?${search.toString()}` : ''}`;
  const response = await request(url, query.signal ? { signal: query.signal } : {});
  if (!response.ok) throw await errorFrom(response);
  return (await response.json()) as VersionPage;
}

/** Where the content of one version of a file is. */
export function versionUrl(session: string, version: Pick<Version, 'path' | 'id'>): string {
  return `${versionsUrl(session, version.path)}?version=${version.id}`;
}

export async function readVersion(
  session: string,
  version: Pick<Version, 'path' | 'id'>,
): Promise<FileContent> {
  const response = await request(versionUrl(session, version));
  if (!response.ok) throw await errorFrom(response);
  return {
    bytes: new Uint8Array(await response.arrayBuffer()),
    etag: response.headers.get('etag') ?? '',
  };
}

/** Items asked for at once: the server's largest page. */
const TREE_PAGE = 5_000;

/** Every item as it was at a time. */
export async function fetchTreeAt(session: string, at: string, signal: AbortSignal): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const query: { at: string; limit: number; cursor?: string } = { at, limit: TREE_PAGE };
    if (cursor !== null) query.cursor = cursor;
    const page: { items: Item[]; next?: string | null } = await unwrap(
      api.GET('/api/v1/sessions/{id}/tree', { params: { path: { id: session }, query }, signal }),
    );
    items.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor !== null);
  return items;
}

/** What is to be as it was: an item as in a version, or what is at and below a path as at a time; all without a path. */
export type RestoreWish =
  | { path: string; version: number }
  | { path: string | null; at: string }
  /** What was removed last there. */
  | { path: string };

export function restore(session: string, wish: RestoreWish): Promise<Changed> {
  return unwrap(api.POST('/api/v1/sessions/{id}/restore', { params: { path: { id: session } }, body: wish }));
}
