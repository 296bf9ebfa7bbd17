/** Reading and changing sessions, and the keys under which answers are kept. */
import { api, unwrap } from '@/api/client';
import type { Session } from '@/api/types';

export const SESSIONS_KEY = ['sessions'] as const;
export const sessionKey = (id: string) => ['session', id] as const;

/** Sessions that were deleted and can still be had back. */
export const DELETED_KEY = ['deleted-sessions'] as const;

/** More sessions than one page: quotas make that unlikely, but the list must be whole. */
async function fetchAll(deleted: boolean): Promise<Session[]> {
  const sessions: Session[] = [];
  let cursor: string | null = null;
  do {
    const query = { ...(deleted ? { deleted } : {}), ...(cursor ? { cursor } : {}) };
    const page: { items: Session[]; next?: string | null } = await unwrap(
      api.GET('/api/v1/sessions', { params: { query } }),
    );
    sessions.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor !== null);
  return sessions;
}

export function fetchSessions(): Promise<Session[]> {
  return fetchAll(false);
}

export function fetchDeletedSessions(): Promise<Session[]> {
  return fetchAll(true);
}

export function fetchSession(id: string, signal: AbortSignal | null = null): Promise<Session> {
  return unwrap(api.GET('/api/v1/sessions/{id}', { params: { path: { id } }, signal }));
}

/** What a new session has the files of. */
export type SessionOrigin = { template: string } | { session: string } | { snapshot: string };

export function createSession(name: string, origin: SessionOrigin | null = null): Promise<Session> {
  const body = { name, ...origin };
  return unwrap(api.POST('/api/v1/sessions', { body }));
}

export function renameSession(id: string, name: string): Promise<Session> {
  return unwrap(api.PATCH('/api/v1/sessions/{id}', { params: { path: { id } }, body: { name } }));
}

/** `discard`: even where that gives up what could not be saved. */
export async function deleteSession(id: string, discard = false): Promise<void> {
  await unwrap(api.DELETE('/api/v1/sessions/{id}', { params: { path: { id }, query: { discard } } }));
}

export function startSession(id: string): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions/{id}/start', { params: { path: { id } } }));
}

/** `discard`: even where that gives up what could not be saved. */
export function stopSession(id: string, discard = false): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions/{id}/stop', { params: { path: { id }, query: { discard } } }));
}

/** `discard`: as for `stopSession`. */
export function restartSession(id: string, discard = false): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions/{id}/restart', { params: { path: { id }, query: { discard } } }));
}

/** Puts an announced end off. */
export function extendSession(id: string): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions/{id}/extend', { params: { path: { id } } }));
}

export function undeleteSession(id: string): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions/{id}/undelete', { params: { path: { id } } }));
}
