/** What the tree says and asks about one item or several. */
import type { Question } from '@/components/confirm';
import { reasonWords } from '@/features/session/reason';
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

/** Said when items were deleted; `strays` of them for good. */
export function deletedText(paths: readonly string[], strays: readonly string[]): string {
  if (strays.length === 0) return `${itemsWord(paths)} deleted.`;
  if (strays.length === paths.length) return `${itemsWord(paths)} deleted for good.`;
  return `${itemsWord(paths)} deleted, ${namesOf(strays)} for good.`;
}

/** Asked before items are deleted; what cannot be had back is said. `tree` has what is kept. */
export function deleteQuestion(tree: TreeModel, paths: readonly string[], unkept: Unkept): Question {
  const strays = paths.filter((path) => !tree.items.has(path));
  if (strays.length > 0) return strayQuestion(tree, paths, strays, unkept);
  return {
    title: `Delete ${itemsWord(paths)}?`,
    text: deleteText(tree, paths) + lostText(tree, paths, unkept),
    yes: 'Delete',
    danger: true,
  };
}

/** Asked where more would go for good than its user knew of; `why` is in the server's words. */
export function loseQuestion(why: string): Question {
  return { title: 'Delete for good?', text: `${reasonWords(why)}.`, yes: 'Delete for good', danger: true };
}

/** The same where `strays` of them are only in the sandbox. */
function strayQuestion(
  tree: TreeModel,
  paths: readonly string[],
  strays: readonly string[],
  unkept: Unkept,
): Question {
  const kept = paths.filter((path) => tree.items.has(path));
  const [only] = paths;
  const one = paths.length === 1 && only !== undefined;
  const inside =
    one && (unkept.items.get(only)?.kind ?? 'folder') === 'folder' ? ' and everything in it' : '';
  const names = one ? `“${displayName(only)}”${inside}` : namesOf(strays);
  const are = strays.length === 1 && inside === '' ? 'is' : 'are';
  const first = kept.length === 0 ? '' : `${deleteText(tree, paths)}${lostText(tree, kept, unkept)} `;
  return {
    title: 'Delete for good?',
    text: `${first}${names} ${are} only in the sandbox and cannot be had back.`,
    yes: 'Delete for good',
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
  const lost = lostWith(paths, { items, truncated });
  const more = truncated && paths.some((path) => tree.items.get(path)?.kind === 'folder');
  if (count === 0) return more ? ' What is not kept in there cannot be had back.' : '';
  const some = `${more ? 'At least ' : ''}${count} ${count === 1 ? 'item' : 'items'}`;
  const rest = lost.length < count ? ', and what is ignored' : '';
  const names = lost.length === 0 ? '' : `: ${namesOf(lost)}${rest}`;
  return ` ${some} among them ${count === 1 ? 'is' : 'are'} not kept and cannot be had back${names}.`;
}

/** What goes with these items, is kept nowhere, and is not merely ignored. */
export function lostWith(paths: readonly string[], { items }: Unkept): string[] {
  const going = new Set(paths);
  const lost = [...items.values()].filter(({ path, why }) => why !== 'ignored' && isWithinAny(path, going));
  return lost.map(({ path }) => path);
}
