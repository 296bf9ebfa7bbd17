/** The files of a review as they are listed. */
import type { ChangedItem, Thread } from '@/api/types';
import { isOfFile, type Placed } from './placing';

/** A file that has changed, or one that has not but of which something was said. */
export interface ListedFile extends Omit<ChangedItem, 'status'> {
  status: ChangedItem['status'] | 'unchanged';
  /** Threads on it, and those of them that wait. */
  threads: number;
  open: number;
}

export interface PlacedThread {
  thread: Thread;
  placed: Placed;
}

/** Files with what was said of them, by path; then those that are only spoken of. */
export function listFiles(items: readonly ChangedItem[], threads: readonly PlacedThread[]): ListedFile[] {
  const byPath = new Map<string, ChangedItem>();
  for (const item of items) {
    byPath.set(item.path, item);
    if (item.former_path != null && !byPath.has(item.former_path)) byPath.set(item.former_path, item);
  }
  const said = new Map<string, Thread[]>();
  for (const { thread, placed } of threads) {
    if (placed.on === 'review') continue;
    const path = byPath.get(placed.path)?.path ?? placed.path;
    said.set(path, [...(said.get(path) ?? []), thread]);
  }
  const counts = (path: string): Pick<ListedFile, 'threads' | 'open'> => {
    const of = said.get(path) ?? [];
    return { threads: of.length, open: of.filter(({ state }) => state === 'open').length };
  };
  const changed = items.map((item): ListedFile => ({ ...item, ...counts(item.path) }));
  const known = new Set(items.map(({ path }) => path));
  const others = [...said.keys()].filter((path) => !known.has(path)).sort();
  return [
    ...changed,
    ...others.map((path): ListedFile => ({ path, status: 'unchanged', viewed: false, ...counts(path) })),
  ];
}

/** Files whose path has all the words of what was typed, in any case. */
export function matching(files: readonly ListedFile[], filter: string): readonly ListedFile[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return files;
  return files.filter((file) => {
    const path = `${file.path} ${file.former_path ?? ''}`.toLowerCase();
    return words.every((word) => path.includes(word));
  });
}

/** How many files there are to be viewed, and how many are. */
export function progress(files: readonly ListedFile[]): { viewed: number; all: number } {
  const changed = files.filter(({ status }) => status !== 'unchanged');
  return { viewed: changed.filter(({ viewed }) => viewed).length, all: changed.length };
}

/** What was said, in the order in which one meets it: of the review, then file by file, then of files that are not listed. */
export function readingOrder(
  files: readonly ListedFile[],
  threads: readonly PlacedThread[],
  byPlace: (a: Placed, b: Placed) => number,
): { thread: string; file: string | null }[] {
  const review = threads.filter(({ placed }) => placed.on === 'review');
  const within = files.flatMap((file) => {
    const of = file.threads === 0 ? [] : threads.filter(({ placed }) => isOfFile(placed, file));
    const sorted = [...of].sort((a, b) => byPlace(a.placed, b.placed));
    return sorted.map(({ thread }) => ({ thread: thread.id, file: file.path }));
  });
  return [...review.map(({ thread }) => ({ thread: thread.id, file: null })), ...within];
}

/** The one after `current` in a ring; the first, or the last, where there is none. */
export function stepTo<T>(all: readonly T[], current: number, step: 1 | -1): T | undefined {
  if (all.length === 0) return undefined;
  if (current < 0) return step === 1 ? all[0] : all.at(-1);
  return all[(current + step + all.length) % all.length];
}
