/** What can be done with a row of the tree, or with several, as a menu. */
'use client';

import {
  ClipboardPaste,
  Copy,
  CopyPlus,
  Download,
  FilePlus2,
  FolderPlus,
  FolderUp,
  History,
  Link2,
  PencilLine,
  Scissors,
  Search,
  SquareArrowOutUpRight,
  Trash2,
  Upload,
} from 'lucide-react';
import type { MenuEntry } from '@/components/menu';
import type { Item } from '@/api/types';
import { ROOT } from './tree-model';

export interface MenuActions {
  open: (path: string) => void;
  create: (what: 'file' | 'folder', near: string) => void;
  upload: (what: 'files' | 'folder', near: string) => void;
  find: (near: string) => void;
  /** Of a file or folder; of everything at the root. */
  history: (path: string) => void;
  cut: (paths: readonly string[]) => void;
  copy: (paths: readonly string[]) => void;
  /** `null` when there is nothing to paste. */
  paste: ((near: string) => void) | null;
  duplicate: (paths: readonly string[]) => void;
  download: (paths: readonly string[]) => void;
  copyPaths: (paths: readonly string[]) => void;
  rename: (path: string) => void;
  remove: (paths: readonly string[]) => void;
}

interface Target {
  /** The row the menu was opened on; the root for the space below. */
  path: string;
  kind: Item['kind'] | undefined;
  /** All it is about. */
  paths: readonly string[];
  /** The same and what is only in the sandbox, which can be named and deleted and nothing else. */
  all: readonly string[];
  /** Which of these can be deleted. */
  removable: readonly string[];
  /** Only in the sandbox. */
  unkept: boolean;
}

export function treeMenu(
  { path, kind, paths, all, removable, unkept }: Target,
  act: MenuActions,
): MenuEntry[] {
  const several = paths.length > 1;
  const copyPath: MenuEntry = {
    label: all.length > 1 ? 'Copy paths' : 'Copy path',
    icon: <Link2 />,
    onSelect: () => act.copyPaths(all),
  };
  const remove: MenuEntry = {
    label: removable.length > 1 ? `Delete ${removable.length} items` : 'Delete',
    keys: 'Del',
    icon: <Trash2 />,
    danger: true,
    disabled: removable.length === 0,
    onSelect: () => act.remove(removable),
  };
  if (unkept) return [copyPath, 'line', remove];
  const added: MenuEntry[] = [
    { label: 'New file', keys: 'N', icon: <FilePlus2 />, onSelect: () => act.create('file', path) },
    {
      label: 'New folder',
      keys: 'Shift N',
      icon: <FolderPlus />,
      onSelect: () => act.create('folder', path),
    },
    { label: 'Upload files…', icon: <Upload />, onSelect: () => act.upload('files', path) },
    { label: 'Upload a folder…', icon: <FolderUp />, onSelect: () => act.upload('folder', path) },
  ];
  const find: MenuEntry = {
    label: path === ROOT ? 'Find in files…' : 'Find in this folder…',
    ...(path === ROOT ? { keys: 'Ctrl Shift F' } : {}),
    icon: <Search />,
    onSelect: () => act.find(path),
  };
  const { paste } = act;
  const pasted: MenuEntry = {
    label: 'Paste',
    keys: 'Ctrl V',
    icon: <ClipboardPaste />,
    disabled: paste === null,
    onSelect: () => paste?.(path),
  };
  const history: MenuEntry = {
    label: path === ROOT ? 'History of all files' : 'History',
    icon: <History />,
    onSelect: () => act.history(path),
  };
  if (path === ROOT) return [...added, 'line', find, history, 'line', pasted];
  const zip = several || kind === 'folder';
  return [
    ...(several || kind === 'folder'
      ? []
      : [
          {
            label: 'Open',
            keys: 'Enter',
            icon: <SquareArrowOutUpRight />,
            onSelect: () => act.open(path),
          } satisfies MenuEntry,
        ]),
    ...(several ? [] : [...added, 'line' as const]),
    ...(!several && kind === 'folder' ? [find, 'line' as const] : []),
    { label: 'Cut', keys: 'Ctrl X', icon: <Scissors />, onSelect: () => act.cut(paths) },
    { label: 'Copy', keys: 'Ctrl C', icon: <Copy />, onSelect: () => act.copy(paths) },
    pasted,
    { label: 'Duplicate', keys: 'Ctrl D', icon: <CopyPlus />, onSelect: () => act.duplicate(paths) },
    'line',
    {
      label: zip ? 'Download as zip' : 'Download',
      icon: <Download />,
      onSelect: () => act.download(paths),
    },
    copyPath,
    ...(several ? [] : [history]),
    'line',
    ...(several
      ? []
      : [
          {
            label: 'Rename',
            keys: 'F2',
            icon: <PencilLine />,
            onSelect: () => act.rename(path),
          } satisfies MenuEntry,
        ]),
    remove,
  ];
}
