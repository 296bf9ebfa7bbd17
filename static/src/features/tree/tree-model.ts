/** The workspace's items as a pure value: what the server listed, plus every change since. */
import type { Item } from '@/api/types';
import type { TreeChange } from '@/features/session/events';
import { baseName, compareNames, isWithin, joinPath, parentOf } from '@/lib/paths';

/** Identity of the root in the tree; no path is empty. */
export const ROOT = '';

export interface TreeModel {
  items: ReadonlyMap<string, Item>;
  /** Paths of the children of each folder, folders first, then by name. */
  children: ReadonlyMap<string, readonly string[]>;
}

export const EMPTY_TREE: TreeModel = { items: new Map(), children: new Map([[ROOT, []]]) };

export function treeOf(items: Iterable<Item>): TreeModel {
  const byPath = new Map<string, Item>();
  for (const item of items) byPath.set(item.path, item);
  return indexed(byPath);
}

/** The tree after some changes; a removed folder takes along what is in it. */
export function applyChanges(tree: TreeModel, changes: readonly TreeChange[]): TreeModel {
  if (changes.length === 0) return tree;
  const items = new Map(tree.items);
  for (const { path, item } of changes) {
    if (item) {
      const before = items.get(path);
      // A folder that became a file has no children any more.
      if (before?.kind === 'folder' && item.kind !== 'folder') removeWithin(items, path);
      items.set(path, item);
    } else {
      removeWithin(items, path);
    }
  }
  return indexed(items);
}

/** The tree after a rename, so that the page need not wait for the server's event. */
export function applyMove(tree: TreeModel, from: string, to: string): TreeModel {
  const items = new Map<string, Item>();
  for (const item of tree.items.values()) {
    const path = isWithin(item.path, from) ? to + item.path.slice(from.length) : item.path;
    items.set(path, path === item.path ? item : { ...item, path });
  }
  return indexed(items);
}

/** The tree with some items more; those whose folder is not there come with it. */
export function withItems(tree: TreeModel, added: readonly Item[]): TreeModel {
  const items = new Map(tree.items);
  const children = new Map(tree.children);
  const touched = new Set<string>();
  for (const item of added) {
    let next: Item | null = item;
    while (next && !items.has(next.path)) {
      const parent = parentOf(next.path);
      items.set(next.path, next);
      if (next.kind === 'folder' && !children.has(next.path)) children.set(next.path, []);
      children.set(parent, [...(children.get(parent) ?? []), next.path]);
      touched.add(parent);
      next = parent === ROOT ? null : placeholder(parent, item.modified_at);
    }
  }
  for (const folder of touched) children.set(folder, sorted(items, children.get(folder) ?? []));
  return { items, children };
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

function removeWithin(items: Map<string, Item>, path: string): void {
  items.delete(path);
  const below = `${path}/`;
  for (const key of items.keys()) if (key.startsWith(below)) items.delete(key);
}

function indexed(items: Map<string, Item>): TreeModel {
  // Parents are listed by the server; one that is missing (between two pages) is shown anyway.
  for (const item of [...items.values()]) {
    for (let folder = parentOf(item.path); folder !== ROOT && !items.has(folder); folder = parentOf(folder)) {
      items.set(folder, placeholder(folder, item.modified_at));
    }
  }
  const children = new Map<string, string[]>([[ROOT, []]]);
  for (const item of items.values()) {
    if (item.kind === 'folder' && !children.has(item.path)) children.set(item.path, []);
    const parent = parentOf(item.path);
    const siblings = children.get(parent);
    if (siblings) siblings.push(item.path);
    else children.set(parent, [item.path]);
  }
  for (const [folder, siblings] of children) children.set(folder, sorted(items, siblings));
  return { items, children };
}

/** Folders first, then by name. */
function sorted(items: ReadonlyMap<string, Item>, siblings: readonly string[]): string[] {
  const rank = (path: string): number => (items.get(path)?.kind === 'folder' ? 0 : 1);
  return [...siblings].sort((a, b) => rank(a) - rank(b) || compareNames(baseName(a), baseName(b)));
}

function placeholder(path: string, time: string): Item {
  return { path, kind: 'folder', size: 0, executable: false, modified_at: time };
}
