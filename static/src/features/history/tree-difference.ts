/** What going back to an earlier tree would change of the present one. */
import type { Item } from '@/api/types';
import { bareEtag } from '@/features/editor/file-text';
import { isWithin } from '@/lib/paths';

export interface TreeDifference {
  /** There then, and not now: made again. */
  added: string[];
  /** Something else then. */
  changed: string[];
  /** Not there then: removed. */
  removed: string[];
}

/** Both at and below `path`; the empty path is everything. */
export function treeDifference(
  then: Iterable<Item>,
  now: ReadonlyMap<string, Item>,
  path: string,
): TreeDifference {
  const difference: TreeDifference = { added: [], changed: [], removed: [] };
  const past = new Set<string>();
  for (const item of then) {
    if (!isWithin(item.path, path)) continue;
    past.add(item.path);
    const present = now.get(item.path);
    if (!present) difference.added.push(item.path);
    else if (!alike(item, present)) difference.changed.push(item.path);
  }
  for (const present of now.keys()) {
    if (isWithin(present, path) && !past.has(present)) difference.removed.push(present);
  }
  for (const paths of Object.values(difference) as string[][]) paths.sort();
  return difference;
}

export function isSame({ added, changed, removed }: TreeDifference): boolean {
  return added.length + changed.length + removed.length === 0;
}

function alike(a: Item, b: Item): boolean {
  return (
    a.kind === b.kind &&
    bareEtag(a.etag) === bareEtag(b.etag) &&
    a.executable === b.executable &&
    (a.target ?? null) === (b.target ?? null)
  );
}
