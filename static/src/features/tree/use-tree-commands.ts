/** The user's commands on the tree: they change it, tell about failures, and keep the tabs in step. */
'use client';

import { useMemo } from 'react';
import { MOST_PATHS, copyItem, restoreItem } from '@/api/items';
import { messageOf } from '@/api/problem';
import { useConfirm } from '@/components/confirm';
import { useToast } from '@/components/toasts';
import type { Workspace } from '@/features/workspace/workspace';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { namesOf, notSaved } from '@/lib/names';
import { baseName, displayName, isWithin, isWithinAny, joinPath, parentOf } from '@/lib/paths';
import { createFile, createFolder, moveItem, removeItems, takenName, treeFailure } from './tree-actions';
import { freeName, type TreeModel } from './tree-model';
import { deleteQuestion, deletedText, folderName, itemsWord, loseQuestion, lostWith } from './tree-words';
import { withUnkept } from './unkept';

/** An item that has come to be at another path. */
export interface Moved {
  from: string;
  to: string;
}

export interface TreeCommands {
  /** Resolve to the problem in the user's words, or `null` when done. */
  create: (kind: 'file' | 'folder', folder: string, name: string) => Promise<string | null>;
  rename: (path: string, name: string) => Promise<string | null>;
  /** Resolve to what was done; the rest has been told. */
  moveInto: (paths: readonly string[], folder: string) => Promise<Moved[]>;
  copyInto: (paths: readonly string[], folder: string) => Promise<Moved[]>;
  /** Beside themselves. */
  duplicate: (paths: readonly string[]) => Promise<Moved[]>;
  /** Also what is only in the sandbox. */
  remove: (paths: readonly string[]) => Promise<boolean>;
}

/** What has failed, to be told in one sentence. */
type Problems = string[];

export function useTreeCommands(): TreeCommands {
  const workspace = useWorkspace();
  const confirm = useConfirm();
  const toast = useToast();

  return useMemo(() => {
    const { id, tree } = workspace;
    const tell = (problems: Problems): void => {
      const [first] = problems;
      if (first === undefined) return;
      toast(
        problems.length === 1 ? first : `${first} And ${problems.length - 1} more were not done.`,
        'danger',
      );
    };

    const moveAll = async (moves: readonly Moved[]): Promise<Moved[]> => {
      const done: Moved[] = [];
      const problems: Problems = [];
      for (const move of moves) {
        if (move.from === move.to) continue;
        const problem = await moveOne(workspace, move);
        if (problem === null) done.push(move);
        else problems.push(problem);
      }
      tell(problems);
      return done;
    };

    const copyAll = async (
      paths: readonly string[],
      folderOf: (path: string) => string,
    ): Promise<Moved[]> => {
      const done: Moved[] = [];
      const problems: Problems = [];
      for (const from of paths) {
        const folder = folderOf(from);
        if (isWithin(folder, from)) {
          problems.push(`“${displayName(baseName(from))}” cannot be put into itself.`);
          continue;
        }
        const to = joinPath(folder, freeName(tree.tree, folder, baseName(from)));
        const unsaved = await workspace.files.saveWithin(from);
        if (unsaved.length > 0) {
          problems.push(notSaved(unsaved));
          continue;
        }
        try {
          const item = await copyItem(id, from, to);
          // The items below a folder come as events.
          tree.apply([{ path: item.path, item }]);
          done.push({ from, to });
        } catch (error) {
          problems.push(treeFailure(error, displayName(baseName(to))));
        }
      }
      tell(problems);
      return done;
    };

    const restore = async (paths: readonly string[], open: readonly string[]): Promise<void> => {
      const problems: Problems = [];
      for (const path of paths) {
        await restoreItem(id, path).catch((error: unknown) =>
          problems.push(`“${displayName(baseName(path))}” could not be had back: ${messageOf(error)}`),
        );
      }
      tell(problems);
      for (const path of open) workspace.files.open(path, null, false);
    };

    return {
      async create(kind, folder, name) {
        const path = joinPath(folder, name);
        if (tree.tree.items.has(path)) return takenName(name);
        try {
          if (kind === 'folder') {
            await createFolder(id, path);
          } else {
            await createFile(id, path);
            workspace.open(path, true);
          }
          return null;
        } catch (error) {
          return treeFailure(error, name);
        }
      },
      rename: (path, name) => moveOne(workspace, { from: path, to: joinPath(parentOf(path), name) }),
      async moveInto(paths, folder) {
        const done = await moveAll(paths.map((from) => ({ from, to: joinPath(folder, baseName(from)) })));
        if (done.length > 0) {
          toast(`${itemsWord(done.map(({ from }) => from))} moved to ${folderName(folder)}.`, 'ok', {
            label: 'Undo',
            run: () => void moveAll(done.map(({ from, to }) => ({ from: to, to: from }))),
          });
        }
        return done;
      },
      copyInto: (paths, folder) => copyAll(paths, () => folder),
      duplicate: (paths) => copyAll(paths, parentOf),
      async remove(paths) {
        const before = allOf(workspace);
        if (paths.length === 0 || !paths.every((path) => before.items.has(path))) return false;
        const unkept = workspace.services.unkept.state.get();
        const strays = new Set(paths.filter((path) => !tree.tree.items.has(path)));
        if (!(await confirm(deleteQuestion(tree.tree, paths, unkept)))) return false;
        // What the question has spoken of goes; where there is more the server says so.
        const givenUp = lostWith(paths, unkept);
        const ask = (why: string): Promise<boolean> => confirm(loseQuestion(why));
        // The answer is about what the question named, not about what has taken its place since.
        const now = allOf(workspace);
        const isOther = (path: string): boolean =>
          now.items.get(path)?.kind !== before.items.get(path)?.kind ||
          tree.tree.items.has(path) === strays.has(path);
        const changed = paths.filter(isOther);
        if (changed.length > 0) {
          const gone = changed.every((path) => !now.items.has(path));
          const rest = paths.length > 1 ? ' Nothing was deleted.' : '';
          toast(
            gone
              ? `${namesOf(changed)} ${changed.length === 1 ? 'is' : 'are'} gone already.${rest}`
              : `${namesOf(changed)} ${changed.length === 1 ? 'has changed and was' : 'have changed and were'} not deleted.`,
            'info',
          );
          return false;
        }
        // What is typed and not saved yet is to come back too.
        const kept = paths.filter((path) => !strays.has(path));
        const unsaved = (await Promise.all(kept.map((path) => workspace.files.saveWithin(path)))).flat();
        if (unsaved.length > 0) {
          toast(`${notSaved(unsaved)} Nothing was deleted.`, 'danger');
          return false;
        }
        const deleted: string[] = [];
        try {
          for (let start = 0; start < paths.length; start += MOST_PATHS) {
            const some = paths.slice(start, start + MOST_PATHS);
            if (!(await removeItems(id, some, givenUp, ask))) break;
            deleted.push(...some);
          }
        } catch (error) {
          toast(messageOf(error), 'danger');
        }
        if (deleted.length === 0) return false;
        const lost = deleted.filter((path) => strays.has(path));
        const back = deleted.filter((path) => !strays.has(path));
        const closed = closeWithin(workspace, back);
        tree.apply(back.map((path) => ({ path, item: null })));
        workspace.services.unkept.remove(deleted);
        toast(
          deletedText(deleted, lost),
          'ok',
          back.length === 0 ? undefined : { label: 'Undo', run: () => void restore(back, closed) },
        );
        return true;
      },
    };
  }, [workspace, confirm, toast]);
}

/** What is kept, and what is only in the sandbox. */
function allOf({ tree, services }: Workspace): TreeModel {
  return withUnkept(tree.tree, services.unkept.state.get());
}

async function moveOne({ id, files, tree }: Workspace, { from, to }: Moved): Promise<string | null> {
  if (from === to) return null;
  const name = displayName(baseName(to));
  if (tree.tree.items.has(to)) return takenName(name);
  const overwritten = [...files.unsaved.get()].filter((path) => isWithin(path, to));
  // A file that was deleted while it was open, with text of the user's own.
  if (overwritten.length > 0) return notSaved(overwritten);
  const unsaved = await files.saveWithin(from);
  if (unsaved.length > 0) return notSaved(unsaved);
  try {
    await moveItem(id, from, to);
  } catch (error) {
    return treeFailure(error, name);
  }
  files.moved(from, to);
  tree.moved(from, to);
  return null;
}

/** Closes the tabs of what was deleted; returns their paths. */
function closeWithin({ files }: Workspace, paths: readonly string[]): string[] {
  const open = files.tabs.get().files.map((file) => file.path);
  const deleted = new Set(paths);
  const closed = open.filter((path) => isWithinAny(path, deleted));
  for (const path of closed) files.close(path);
  return closed;
}
