/** What the tree says and asks about one item or several. */
import type { Question } from '@/components/confirm';
import { namesOf } from '@/lib/names';
import { baseName, displayName, isWithin } from '@/lib/paths';
import { ROOT, type TreeModel } from './tree-model';

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

/** Which row a key or a click on it is about. */
export function deleteQuestion(tree: TreeModel, paths: readonly string[]): Question {
  return {
    title: `Delete ${itemsWord(paths)}?`,
    text: deleteText(tree, paths),
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
  const inside = [...tree.items.keys()].filter((path) =>
    folders.some((folder) => path !== folder && isWithin(path, folder)),
  ).length;
  const more =
    inside === 0 ? '' : ` ${inside} more ${inside === 1 ? 'item is' : 'items are'} in the folders.`;
  return `${namesOf(paths)} are deleted.${more}`;
}
