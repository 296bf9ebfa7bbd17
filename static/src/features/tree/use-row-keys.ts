/** Carries out what keys on a row of the tree mean. */
'use client';

import type { TreeInstance } from '@headless-tree/core';
import type { KeyboardEvent } from 'react';
import type { Item } from '@/api/types';
import { rowPath } from './keyboard-focus';
import { treeCommand, type TreeCommand } from './tree-keys';
import type { MenuActions } from './tree-menu';
import { isFolder, type TreeModel } from './tree-model';
import type { TreeSelection } from './use-tree-selection';

interface Options {
  tree: TreeModel;
  instance: TreeInstance<Item>;
  selection: TreeSelection;
  act: MenuActions & { look: (path: string) => void; giveUp: () => void };
  /** What a command on this row is about; empty where nothing can be done. */
  about: (path: string) => readonly string[];
  /** The same for a deletion, which is also about what is only in the sandbox. */
  removable: (path: string) => readonly string[];
}

/** Commands that change nothing, and so are for every row. */
const HARMLESS: readonly TreeCommand[] = [
  'select_all',
  'select_up',
  'select_down',
  'toggle',
  'clear',
  'look',
];

export function useRowKeys({
  tree,
  instance,
  selection,
  act,
  about,
  removable,
}: Options): (event: KeyboardEvent) => void {
  const perform = (command: TreeCommand, path: string): void => {
    // What it is about takes a look at all that is selected, for which a step with the arrows need not wait.
    const concerned = command === 'delete' ? removable : about;
    const paths = HARMLESS.includes(command) ? [] : concerned(path);
    if (paths.length === 0 && !HARMLESS.includes(command)) return;
    switch (command) {
      case 'enter': {
        if (!isFolder(tree, path)) return act.open(path);
        const item = instance.getItemInstance(path);
        return item.isExpanded() ? item.collapse() : item.expand();
      }
      case 'look':
        return isFolder(tree, path) ? undefined : act.look(path);
      case 'rename':
        return act.rename(path);
      case 'delete':
        return act.remove(paths);
      case 'new_file':
        return act.create('file', path);
      case 'new_folder':
        return act.create('folder', path);
      case 'cut':
        return act.cut(paths);
      case 'copy':
        return act.copy(paths);
      case 'paste':
        return act.paste?.(path);
      case 'duplicate':
        return act.duplicate(paths);
      case 'select_all':
        return selection.all();
      case 'select_up':
        return selection.extend(-1);
      case 'select_down':
        return selection.extend(1);
      case 'toggle':
        return selection.toggle(path);
      case 'clear':
        selection.only([path]);
        return act.giveUp();
    }
  };

  return (event) => {
    if (event.target instanceof HTMLInputElement) return;
    const command = treeCommand(event);
    // A key is about the row it was pressed on, which is the one the user sees focused; about nothing else.
    const path = rowPath(event.target);
    if (command === null || path === null || !tree.items.has(path)) return;
    event.preventDefault();
    // Headless Tree knows modifiers only from keys pressed inside of it, and would take Shift+Arrow for the arrow.
    event.stopPropagation();
    perform(command, path);
  };
}
