/** Keys as they are written on this machine's keyboard. */
'use client';

import { Fragment, type KeyboardEvent as ReactKeyboardEvent } from 'react';

function isApple(): boolean {
  return typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);
}

/** `Mod` is ⌘ on a Mac and Ctrl elsewhere. */
export function keyNames(keys: string): string[] {
  return keys.split('+').map((key) => (key === 'Mod' ? (isApple() ? '⌘' : 'Ctrl') : key));
}

/** Whether the platform's main modifier, and only it, is held. */
export function hasMod(event: KeyboardEvent | ReactKeyboardEvent): boolean {
  return isApple() ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
}

export function Keys({ keys }: { keys: string }) {
  return (
    <span className="inline-flex items-center gap-0.5">
      {keyNames(keys).map((key, index) => (
        <Fragment key={index}>
          <kbd className="min-w-5 rounded border border-line-strong bg-panel px-1 text-center font-sans text-2xs text-muted">
            {key}
          </kbd>
        </Fragment>
      ))}
    </span>
  );
}
