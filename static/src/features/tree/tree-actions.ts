/** What a user can do to the tree, as calls to the server. */
import { api, unwrap } from '@/api/client';
import { writeFile } from '@/api/files';
import { deleteItems } from '@/api/items';
import { ApiError, HOLDS_UNKEPT, messageOf } from '@/api/problem';
import type { TreePage } from './tree-store';

/** Items asked for at once: the server's largest page. */
export const TREE_PAGE_ITEMS = 5_000;

export async function fetchTreePage(session: string, cursor: string | null): Promise<TreePage> {
  const page = await unwrap(
    api.GET('/api/v1/sessions/{id}/tree', {
      params: { path: { id: session }, query: { limit: TREE_PAGE_ITEMS, ...(cursor ? { cursor } : {}) } },
    }),
  );
  return { items: page.items, next: page.next ?? null };
}

/** An empty file that was not there before. */
export async function createFile(session: string, path: string): Promise<void> {
  await writeFile(session, path, new Uint8Array(), 'absent');
}

export async function createFolder(session: string, path: string): Promise<void> {
  await unwrap(
    api.POST('/api/v1/sessions/{id}/folders', { params: { path: { id: session } }, body: { path } }),
  );
}

export async function moveItem(session: string, from: string, to: string): Promise<void> {
  await unwrap(
    api.POST('/api/v1/sessions/{id}/move', { params: { path: { id: session } }, body: { from, to } }),
  );
}

/** Resolves to whether its user gives up what is only in the sandbox; `why` is in the server's words. */
export type AskToLose = (why: string) => Promise<boolean>;

/** Deletes items; `false` where their user rather keeps what is only in the sandbox. `givenUp`: what of that they gave up already. */
export async function removeItems(
  session: string,
  paths: readonly string[],
  givenUp: readonly string[],
  ask: AskToLose,
): Promise<boolean> {
  try {
    await deleteItems(session, paths, givenUp);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === HOLDS_UNKEPT)) throw error;
    if (!(await ask(error.message))) return false;
    await deleteItems(session, paths, 'all');
  }
  return true;
}

/** A failure in the user's words: a taken name is the commonest. */
export function treeFailure(error: unknown, name: string): string {
  if (error instanceof ApiError && (error.status === 409 || error.status === 412)) {
    return takenName(name);
  }
  return messageOf(error);
}

export function takenName(name: string): string {
  return `“${name}” already exists here.`;
}
