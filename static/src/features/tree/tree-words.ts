/** What the tree says and asks about one item or several. */
import type { Question } from '@/components/confirm';
import { namesOf } from '@/lib/names';
import { baseName, displayName, isWithinAny, parentOf } from '@/lib/paths';
import { ROOT, type TreeModel } from './tree-model';
import type { Unkept } from './unkept';

/** `“a.py”`, or `3 items`. */
export function itemsWord(paths: readonly string[]): string {
  const [first] = paths;
  return paths.length === 1 && first !== undefined
    ? `“${displayName(baseName(first))}”`
    : `${paths.length} items`;
}

export function folderName(folder: string): string {
  return folder === ROOT ? 'the top' : `“${displayName(baseName(folder))}”`;
}

/** Asked before items are deleted; what cannot be had back is said. */
export function deleteQuestion(tree: TreeModel, paths: readonly string[], unkept: Unkept): Question {
  return {
    title: `Delete ${itemsWord(paths)}?`,
    text: deleteText(tree, paths) + lostText(tree, paths, unkept),
    yes: 'Delete',
    danger: true,
  };
}

function deleteText(tree: TreeModel, paths: readonly string[]): string {
  const folders = paths.filter((path) => tree.items.get(path)?.kind === 'folder');
  const [only] = paths;
  if (paths.length === 1 && only !== undefined) {
    const whole = `“${displayName(only)}”`;
    return folders.length === 0 ? `${whole} is deleted.` : `${whole} and everything in it are deleted.`;
  }
  const within = new Set(folders);
  const inside = [...tree.items.keys()].filter((path) => isWithinAny(parentOf(path), within)).length;
  const more =
    inside === 0 ? '' : ` ${inside} more ${inside === 1 ? 'item is' : 'items are'} in the folders.`;
  return `${namesOf(paths)} are deleted.${more}`;
}

/** What goes with these items and is kept nowhere, as one more sentence; empty where nothing does. */
export function lostText(tree: TreeModel, paths: readonly string[], { items, truncated }: Unkept): string {
  const going = new Set(paths);
  const count = [...items.keys()].filter((path) => isWithinAny(path, going)).length;
  const more = truncated && paths.some((path) => tree.items.get(path)?.kind === 'folder');
  if (count === 0) return more ? ' What is not kept in there cannot be had back.' : '';
  const some = `${more ? 'At least ' : ''}${count} ${count === 1 ? 'item' : 'items'}`;
  return ` ${some} among them ${count === 1 ? 'is' : 'are'} not kept and cannot be had back.`;
}
