/** What keys mean on a row of the tree. Arrows, Home and End are Headless Tree's. */
import { hasMod } from '@/lib/platform';

export type TreeCommand =
  | 'enter'
  | 'look'
  | 'rename'
  | 'delete'
  | 'new_file'
  | 'new_folder'
  | 'cut'
  | 'copy'
  | 'paste'
  | 'duplicate'
  | 'select_all'
  | 'select_up'
  | 'select_down'
  | 'toggle'
  | 'clear';

const PLAIN: Readonly<Record<string, TreeCommand>> = {
  Enter: 'enter',
  ' ': 'look',
  F2: 'rename',
  Delete: 'delete',
  n: 'new_file',
  N: 'new_folder',
  Escape: 'clear',
};

const WITH_MOD: Readonly<Record<string, TreeCommand>> = {
  x: 'cut',
  c: 'copy',
  v: 'paste',
  d: 'duplicate',
  a: 'select_all',
};

interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

export function treeCommand(event: Key): TreeCommand | null {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (altKey) return null;
  if (hasMod(event)) {
    if (key === ' ') return 'toggle';
    return shiftKey ? null : (WITH_MOD[key.toLowerCase()] ?? null);
  }
  if (ctrlKey || metaKey) return null;
  if (shiftKey && key === 'ArrowUp') return 'select_up';
  if (shiftKey && key === 'ArrowDown') return 'select_down';
  return PLAIN[key] ?? null;
}
