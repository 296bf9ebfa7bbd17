/** Reading and changing sessions, and the keys under which answers are kept. */
import { api, unwrap } from '@/api/client';
import type { Session } from '@/api/types';

export const SESSIONS_KEY = ['sessions'] as const;
export const sessionKey = (id: string) => ['session', id] as const;

/** More sessions than one page: quotas make that unlikely, but the list must be whole. */
export async function fetchSessions(): Promise<Session[]> {
  const sessions: Session[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: Session[]; next?: string | null } = await unwrap(
      api.GET('/api/v1/sessions', { params: { query: cursor ? { cursor } : {} } }),
    );
    sessions.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor !== null);
  return sessions;
}

export function fetchSession(id: string): Promise<Session> {
  return unwrap(api.GET('/api/v1/sessions/{id}', { params: { path: { id } } }));
}

export function createSession(name: string): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions', { body: { name } }));
}

export function renameSession(id: string, name: string): Promise<Session> {
  return unwrap(api.PATCH('/api/v1/sessions/{id}', { params: { path: { id } }, body: { name } }));
}

export async function deleteSession(id: string): Promise<void> {
  await unwrap(api.DELETE('/api/v1/sessions/{id}', { params: { path: { id } } }));
}

export function startSession(id: string): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions/{id}/start', { params: { path: { id } } }));
}

export function stopSession(id: string): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions/{id}/stop', { params: { path: { id } } }));
}

export function restartSession(id: string): Promise<Session> {
  return unwrap(api.POST('/api/v1/sessions/{id}/restart', { params: { path: { id } } }));
}
