/** Archives that become files. */
import { encodePath } from '@/lib/paths';
import { API_BASE, request } from './client';
import { errorFrom } from './problem';
import type { ArchiveKind, Imported } from './types';

export interface NewImport {
  /** The folder it is unpacked into; empty for the top. */
  folder: string;
  kind: ArchiveKind;
  /** Whether it may replace files that are there. */
  replace: boolean;
}

export async function importArchive(
  session: string,
  { folder, kind, replace }: NewImport,
  archive: Blob,
  signal: AbortSignal,
): Promise<Imported> {
  const path = folder === '' ? '' : `path=${encodePath(folder)}&`;
  const response = await request(
    `${API_BASE}/sessions/${session}/import?${path}kind=${kind}&replace=${String(replace)}`,
    { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: archive, signal },
  );
  if (!response.ok) throw await errorFrom(response);
  return (await response.json()) as Imported;
}
