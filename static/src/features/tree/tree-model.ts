/** The workspace's items as a pure value: what the server listed, plus every change since. */
import type { Item } from '@/api/types';
import type { TreeChange } from '@/features/session/events';
import { baseName, compareNames, isWithin, joinPath, movedPath, parentOf } from '@/lib/paths';

/** Identity of the root in the tree; no path is empty. */
export const ROOT = '';

export interface TreeModel {
  items: ReadonlyMap<string, Item>;
  /** Paths of the children of each folder, folders first, then by name. */
  children: ReadonlyMap<string, readonly string[]>;
}

export const EMPTY_TREE: TreeModel = { items: new Map(), children: new Map([[ROOT, []]]) };

export function treeOf(items: Iterable<Item>): TreeModel {
  return applyChanges(
    EMPTY_TREE,
    [...items].map((item) => ({ path: item.path, item })),
  );
}

/** The tree after some changes; a removed folder takes along what is in it. Only folders concerned are looked at. */
export function applyChanges(tree: TreeModel, changes: readonly TreeChange[]): TreeModel {
  if (changes.length === 0) return tree;
  const items = new Map(tree.items);
  const children = new Map(tree.children);
  /** Folders whose children are to be listed anew, and what has come into them. */
  const touched = new Map<string, string[]>();
  const touch = (folder: string): string[] => {
    const known = touched.get(folder) ?? [];
    touched.set(folder, known);
    return known;
  };
  const remove = (path: string): void => {
    items.delete(path);
    for (const child of [...(children.get(path) ?? []), ...(touched.get(path) ?? [])]) remove(child);
    children.delete(path);
    touched.delete(path);
  };
  const put = (item: Item): void => {
    const { path } = item;
    const before = items.get(path);
    // A folder that became a file has no children any more.
    if (before?.kind === 'folder' && item.kind !== 'folder') remove(path);
    items.set(path, item);
    if (before?.kind === item.kind) return;
    const parent = parentOf(path);
    if (item.kind === 'folder') touch(path);
    touch(parent).push(path);
    // Parents are listed by the server; one that is missing (between two pages) is shown anyway.
    if (parent !== ROOT && !items.has(parent)) put(placeholder(parent, item.modified_at));
  };
  for (const { path, item } of changes) {
    if (item) put(item);
    else if (items.has(path)) {
      remove(path);
      touch(parentOf(path));
    }
  }
  for (const [folder, more] of touched) {
    const there = new Set([...(children.get(folder) ?? []), ...more].filter((path) => items.has(path)));
    children.set(folder, sorted(items, [...there]));
  }
  return { items, children };
}

/** The tree after a rename, so that the page need not wait for the server's event. */
export function applyMove(tree: TreeModel, from: string, to: string): TreeModel {
  const moved = [...tree.items.values()].filter(({ path }) => isWithin(path, from));
  return applyChanges(tree, [
    { path: from, item: null },
    ...moved.map((item) => {
      const path = movedPath(item.path, from, to);
      return { path, item: { ...item, path } };
    }),
  ]);
}

/** The tree with some items more; those whose folder is not there come with it. */
export function withItems(tree: TreeModel, added: readonly Item[]): TreeModel {
  const missing = added.filter(({ path }) => !tree.items.has(path));
  return applyChanges(
    tree,
    missing.map((item) => ({ path: item.path, item })),
  );
}

export function isFolder(tree: TreeModel, path: string): boolean {
  return path === ROOT || tree.items.get(path)?.kind === 'folder';
}

/** A name not taken in `folder`, nor `planned` as a path: `name`, `name 2`, … before the extension. */
export function freeName(
  tree: TreeModel,
  folder: string,
  name: string,
  planned: ReadonlySet<string> = new Set(),
): string {
  const taken = new Set((tree.children.get(folder) ?? []).map(baseName));
  const dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length;
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? name : `${name.slice(0, dot)} ${count}${name.slice(dot)}`;
    if (!taken.has(candidate) && !planned.has(joinPath(folder, candidate))) return candidate;
  }
}

/**
 * What takes the keyboard after a change: `path` itself while it is there, else the next item left beside it,
 * else the one before, else its folder. A neighbour first, so that a second Delete is not about the folder.
 */
export function survivor(before: TreeModel, after: TreeModel, path: string): string | null {
  for (let gone = path; gone !== ROOT; gone = parentOf(gone)) {
    if (after.items.has(gone)) return gone;
    const siblings = before.children.get(parentOf(gone)) ?? [];
    const index = siblings.indexOf(gone);
    const left = (sibling: string): boolean => after.items.has(sibling);
    const heir =
      index < 0
        ? undefined
        : (siblings.slice(index + 1).find(left) ?? siblings.slice(0, index).findLast(left));
    if (heir !== undefined) return heir;
  }
  return null;
}

/** Folders first, then by name. */
function sorted(items: ReadonlyMap<string, Item>, siblings: readonly string[]): string[] {
  const rank = (path: string): number => (items.get(path)?.kind === 'folder' ? 0 : 1);
  return [...siblings].sort((a, b) => rank(a) - rank(b) || compareNames(baseName(a), baseName(b)));
}

function placeholder(path: string, time: string): Item {
  return { path, kind: 'folder', size: 0, executable: false, modified_at: time };
}
