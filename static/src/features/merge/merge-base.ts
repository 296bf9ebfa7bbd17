/** What two versions of a file were both made from, looked up in its history; `null` where nobody knows. */
import type { Version, VersionPage } from '@/api/types';
import { fetchVersions, readVersion } from '@/api/versions';
import { bareEtag, decodeText } from '@/features/editor/file-text';

/** Versions looked through: what somebody began to edit is rarely older. */
const MOST_LOOKED_AT = 500;

/** Versions asked for at once. */
const PAGE = 100;

/** The text with this tag. */
export async function baseByEtag(session: string, path: string, etag: string): Promise<string | null> {
  const wanted = bareEtag(etag);
  if (wanted === '') return null;
  for await (const version of versionsOf(session, path)) {
    if (bareEtag(version.etag) === wanted) return textOf(session, version);
  }
  return null;
}

/**
 * What was there before both a save and the program's version that was found in its way: the version before that
 * save, which is the last one older than the copy.
 */
export async function baseOfCopy(session: string, path: string, copy: string): Promise<string | null> {
  const [first] = (await fetchVersions(session, copy, { under: false, limit: PAGE })).items.slice(-1);
  if (first?.change !== 'created') return null;
  let save: Version | null = null;
  for await (const version of versionsOf(session, path)) {
    if (Date.parse(version.at) > Date.parse(first.at)) continue;
    if (save) return version.etag ? textOf(session, version) : null;
    if (version.origin !== 'editor') return null;
    save = version;
  }
  return null;
}

async function* versionsOf(session: string, path: string): AsyncGenerator<Version> {
  let cursor: string | null = null;
  for (let seen = 0; seen < MOST_LOOKED_AT; seen += PAGE) {
    const page: VersionPage = await fetchVersions(session, path, { under: false, limit: PAGE, cursor });
    yield* page.items;
    cursor = page.next ?? null;
    if (cursor === null) return;
  }
}

async function textOf(session: string, version: Version): Promise<string | null> {
  const decoded = decodeText((await readVersion(session, version)).bytes);
  return decoded.kind === 'text' ? decoded.text : null;
}
