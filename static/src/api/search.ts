/** Looking for text in all files of a session, and replacing it. */
import { api, unwrap } from './client';
import type { Pattern, Replacements, SearchResult, SeenFile } from './types';

/** What is looked for, with nothing left to the server: empty globs are none. */
export type SearchPattern = Required<{ [Key in keyof Pattern]: NonNullable<Pattern[Key]> }>;

/** Matches asked for at once. */
export const MOST_MATCHES = 1_000;

export function searchFiles(
  session: string,
  pattern: SearchPattern,
  signal: AbortSignal,
): Promise<SearchResult> {
  const { include, exclude, ...rest } = pattern;
  const globs = { ...(given(include) && { include }), ...(given(exclude) && { exclude }) };
  const params = { path: { id: session }, query: { ...rest, ...globs, limit: MOST_MATCHES } };
  return unwrap(api.GET('/api/v1/sessions/{id}/search', { params, signal }));
}

/** In which files: all that match, these, or these as a preview showed them. */
export type Among = { all: true } | { paths: readonly string[] } | { seen: readonly SeenFile[] };

export function replaceInFiles(
  session: string,
  pattern: SearchPattern,
  replacement: string,
  among: Among,
  preview: boolean,
): Promise<Replacements> {
  const { include, exclude, ...rest } = pattern;
  const body = {
    ...rest,
    include: given(include) ? include : null,
    exclude: given(exclude) ? exclude : null,
    replacement,
    ...('paths' in among && { paths: [...among.paths] }),
    ...('seen' in among && { seen: among.seen.map(({ path, etag }) => ({ path, etag })) }),
    preview,
  };
  return unwrap(api.POST('/api/v1/sessions/{id}/replace', { params: { path: { id: session } }, body }));
}

function given(globs: string): boolean {
  return globs.trim() !== '';
}
