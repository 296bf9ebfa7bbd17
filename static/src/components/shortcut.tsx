/** Keys as they are written on this machine's keyboard. */
'use client';

import { isApple } from '@/lib/platform';

/** `Mod` is ⌘ on a Mac and Ctrl elsewhere. */
export function keyNames(keys: string): string[] {
  return keys.split('+').map((key) => (key === 'Mod' ? (isApple() ? '⌘' : 'Ctrl') : key));
}

export function Keys({ keys }: { keys: string }) {
  return (
    <span className="inline-flex items-center gap-0.5">
      {keyNames(keys).map((key, index) => (
        <kbd
          key={index}
          className="min-w-5 rounded border border-line-strong bg-panel px-1 text-center font-sans text-2xs text-muted"
        >
          {key}
        </kbd>
      ))}
    </span>
  );
}
