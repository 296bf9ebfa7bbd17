/** Keys of the merge, wherever in it the focus is. */
import { hasMod } from '@/lib/platform';
import type { Choice } from './merge-result';

export type MergeCommand =
  { kind: 'take'; choice: Choice; all: boolean } | { kind: 'next'; step: 1 | -1 } | { kind: 'save' };

const CHOICES: Readonly<Record<string, Choice>> = { KeyM: 'mine', KeyT: 'theirs', KeyB: 'both' };

interface Key {
  code: string;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
}

export function mergeCommand(key: Key): MergeCommand | null {
  const { code, altKey, ctrlKey, metaKey, shiftKey } = key;
  const choice = CHOICES[code];
  if (altKey && !ctrlKey && !metaKey) return choice ? { kind: 'take', choice, all: shiftKey } : null;
  if (code === 'F8' && !ctrlKey && !metaKey) return { kind: 'next', step: shiftKey ? -1 : 1 };
  return code === 'KeyS' && hasMod(key) && !shiftKey ? { kind: 'save' } : null;
}
