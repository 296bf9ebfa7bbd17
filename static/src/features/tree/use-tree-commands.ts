/** The user's commands on the tree: they change it, tell about failures, and keep the tabs in step. */
'use client';

import { useMemo } from 'react';
import { messageOf } from '@/api/problem';
import { useConfirm } from '@/components/confirm';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { baseName, displayName, isWithin, joinPath, parentOf } from '@/lib/paths';
import { createFile, createFolder, moveItem, removeItem, takenName, treeFailure } from './tree-actions';

export interface TreeCommands {
  /** Resolve to the problem in the user's words, or `null` when done. */
  create: (kind: 'file' | 'folder', folder: string, name: string) => Promise<string | null>;
  rename: (path: string, name: string) => Promise<string | null>;
  move: (path: string, folder: string) => Promise<string | null>;
  remove: (path: string) => Promise<boolean>;
}

export function useTreeCommands(): TreeCommands {
  const workspace = useWorkspace();
  const confirm = useConfirm();
  const toast = useToast();

  return useMemo(() => {
    const { id, files, tree } = workspace;

    const moveTo = async (from: string, to: string): Promise<string | null> => {
      if (from === to) return null;
      if (tree.tree.items.has(to)) return takenName(baseName(to));
      await files.saveWithin(from);
      try {
        await moveItem(id, from, to);
      } catch (error) {
        return treeFailure(error, baseName(to));
      }
      files.moved(from, to);
      tree.moved(from, to);
      return null;
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
      rename: (path, name) => moveTo(path, joinPath(parentOf(path), name)),
      move: (path, folder) => moveTo(path, joinPath(folder, baseName(path))),
      async remove(path) {
        const asked = tree.tree.items.get(path)?.kind;
        if (asked === undefined) return false;
        const name = displayName(baseName(path));
        const whole = displayName(path);
        const yes = await confirm({
          title: `Delete “${name}”?`,
          text:
            asked === 'folder' ? `“${whole}” and everything in it are deleted.` : `“${whole}” is deleted.`,
          yes: 'Delete',
          danger: true,
        });
        if (!yes) return false;
        // The answer is about what the question named, not about what has taken its place since.
        const now = tree.tree.items.get(path)?.kind;
        if (now !== asked) {
          toast(
            now === undefined ? `“${name}” is gone already.` : `“${name}” has changed and was not deleted.`,
            'info',
          );
          return false;
        }
        try {
          await removeItem(id, path);
        } catch (error) {
          toast(messageOf(error), 'danger');
          return false;
        }
        for (const file of files.tabs.get().files) if (isWithin(file.path, path)) files.close(file.path);
        tree.apply([{ path, item: null }]);
        return true;
      },
    };
  }, [workspace, confirm, toast]);
}
