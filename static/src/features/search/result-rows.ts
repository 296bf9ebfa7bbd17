/** The rows of the results, in the order in which they are shown, and what keys do among them. */
import type { SearchMatch } from '@/api/types';
import type { FoundFile, SearchState } from './search-store';

export type ResultRow =
  | { kind: 'file'; key: string; path: string; count: number; open: boolean }
  | { kind: 'match'; key: string; path: string; match: SearchMatch };

export function rowsOf({ files, dismissed, collapsed }: SearchState): ResultRow[] {
  return files
    .filter(({ path }) => !dismissed.has(path))
    .flatMap((file) => rowsOfFile(file, !collapsed.has(file.path)));
}

function rowsOfFile({ path, matches }: FoundFile, open: boolean): ResultRow[] {
  const head: ResultRow = { kind: 'file', key: path, path, count: matches.length, open };
  if (!open) return [head];
  return [
    head,
    ...matches.map<ResultRow>((match, index) => ({ kind: 'match', key: `${path}\n${index}`, path, match })),
  ];
}

/** Where the keyboard goes from row `at`; `null` if the key is none that moves. */
export function step(rows: readonly ResultRow[], at: number, key: string): number | null {
  const last = rows.length - 1;
  switch (key) {
    case 'ArrowDown':
      return Math.min(at + 1, last);
    case 'ArrowUp':
      return Math.max(at - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'PageDown':
      return Math.min(at + 10, last);
    case 'PageUp':
      return Math.max(at - 10, 0);
    default:
      return null;
  }
}

/** A line cut into what is before the match, the match, and what is after it. */
export function parts({ text, before, length }: SearchMatch): [string, string, string] {
  const end = before + length;
  // What is far before the match would push it out of sight.
  const start = Math.max(0, before - 30);
  const lead = text.slice(start, before);
  return [start > 0 ? `…${lead}` : lead.trimStart(), text.slice(before, end), text.slice(end)];
}
