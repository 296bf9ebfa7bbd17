/** What runs in a session: reading it, and ending one of it. */
import { api, unwrap } from '@/api/client';
import type { Process } from '@/api/types';

export const processesKey = (session: string) => ['processes', session] as const;

export async function fetchProcesses(session: string): Promise<Process[]> {
  const list = await unwrap(
    api.GET('/api/v1/sessions/{id}/processes', { params: { path: { id: session } } }),
  );
  return list.items;
}

export async function stopProcess(session: string, pid: number): Promise<void> {
  await unwrap(
    api.DELETE('/api/v1/sessions/{id}/processes/{pid}', { params: { path: { id: session, pid } } }),
  );
}
