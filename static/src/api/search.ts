/** Looking for text in all files of a session, and replacing it. */
import { getJson, postJson } from './json';

export interface SearchPattern {
  q: string;
  /** Whether `q` is a regular expression. */
  regex: boolean;
  /** Whether case matters. */
  case: boolean;
  /** Whole words only. */
  word: boolean;
  /** Globs, with commas between them; empty for all, and for none. */
  include: string;
  exclude: string;
}

export interface SearchMatch {
  path: string;
  /** From 1. */
  line: number;
  /** In UTF-16 units, from 1. */
  column: number;
  length: number;
  /** The line, or the part of it around the match. */
  text: string;
  /** UTF-16 units of `text` before the match. */
  before: number;
}

export interface SearchResult {
  items: SearchMatch[];
  files: number;
  truncated: boolean;
  /** Files that are too large or cannot be read. */
  skipped: number;
}

export interface ReplacedFile {
  path: string;
  replacements: number;
  /** In a preview, unless they are long. */
  before?: string;
  after?: string;
}

export interface Replacements {
  files: ReplacedFile[];
  replacements: number;
  /** Files that have changed meanwhile, and were left as they are. */
  conflicts: string[];
  truncated: boolean;
}

/** Matches asked for at once. */
export const MOST_MATCHES = 1_000;

export function searchFiles(
  session: string,
  pattern: SearchPattern,
  signal: AbortSignal,
): Promise<SearchResult> {
  const query = new URLSearchParams({ q: pattern.q, limit: String(MOST_MATCHES) });
  for (const flag of ['regex', 'case', 'word'] as const) query.set(flag, String(pattern[flag]));
  for (const globs of ['include', 'exclude'] as const) {
    if (pattern[globs].trim() !== '') query.set(globs, pattern[globs]);
  }
  return getJson(`/sessions/${session}/search?${query.toString()}`, signal);
}

export function replaceInFiles(
  session: string,
  pattern: SearchPattern,
  replacement: string,
  paths: readonly string[] | null,
  preview: boolean,
): Promise<Replacements> {
  const { include, exclude, ...rest } = pattern;
  return postJson(`/sessions/${session}/replace`, {
    ...rest,
    include: include.trim() || null,
    exclude: exclude.trim() || null,
    replacement,
    paths,
    preview,
  });
}
