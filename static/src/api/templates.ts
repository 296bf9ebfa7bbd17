/** What a new session may begin with: templates that operators publish, and snapshots that users take. */
import { api, unwrap } from './client';
import type { Publication, Snapshot, Template, TemplateUpdate } from './types';

export const TEMPLATES_KEY = ['templates'] as const;
export const snapshotsKey = (session: string) => ['snapshots', session] as const;

/** All of them: the server has 200 at the most. */
export async function fetchTemplates(): Promise<Template[]> {
  return (await unwrap(api.GET('/api/v1/templates'))).items;
}

/** A name that is there already gets its next revision. */
export function publishTemplate(body: Publication): Promise<Template> {
  return unwrap(api.POST('/api/v1/admin/templates', { body }));
}

export async function deleteTemplate(id: string): Promise<void> {
  await unwrap(api.DELETE('/api/v1/admin/templates/{id}', { params: { path: { id } } }));
}

/** Follows the newest revision of a session's template. */
export function updateFromTemplate(id: string): Promise<TemplateUpdate> {
  return unwrap(api.POST('/api/v1/sessions/{id}/template/update', { params: { path: { id } } }));
}

/** All of them: a session has 50 at the most. */
export async function fetchSnapshots(id: string): Promise<Snapshot[]> {
  return (await unwrap(api.GET('/api/v1/sessions/{id}/snapshots', { params: { path: { id } } }))).items;
}

export function takeSnapshot(id: string, name: string): Promise<Snapshot> {
  return unwrap(api.POST('/api/v1/sessions/{id}/snapshots', { params: { path: { id } }, body: { name } }));
}

export async function deleteSnapshot(id: string, sid: string): Promise<void> {
  await unwrap(api.DELETE('/api/v1/sessions/{id}/snapshots/{sid}', { params: { path: { id, sid } } }));
}
