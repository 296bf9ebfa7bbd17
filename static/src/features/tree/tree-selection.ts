/** Several rows of the tree at once, as pure functions over the rows in the order in which they are shown. */
import { isWithinAny, parentOf } from '@/lib/paths';

/** The rows from one to another, both included, whichever comes first; only the second if the first is not shown. */
export function range(shown: readonly string[], from: string | null, to: string): string[] {
  const end = shown.indexOf(to);
  const start = from === null ? -1 : shown.indexOf(from);
  if (start < 0 || end < 0) return [to];
  return shown.slice(Math.min(start, end), Math.max(start, end) + 1);
}

export function toggled(selected: readonly string[], path: string): string[] {
  return selected.includes(path) ? selected.filter((other) => other !== path) : [...selected, path];
}

/** Without what lies in a folder that is selected too: it goes wherever that goes. */
export function topmost(paths: readonly string[]): string[] {
  const all = new Set(paths);
  return [...all].filter((path) => !isWithinAny(parentOf(path), all));
}

/** What a command on a row is about: the whole selection if the row is part of it, else the row alone. */
export function concerned(selected: readonly string[], path: string): string[] {
  return selected.includes(path) ? topmost(selected) : [path];
}
