/** Keys as they are written on this machine's keyboard. */
'use client';

import { cx } from '@/lib/cx';
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

/** What keys do, one line each. */
export type KeyRows = readonly (readonly [keys: string, text: string])[];

export function KeyList({ rows, className = '' }: { rows: KeyRows; className?: string }) {
  return (
    <dl className={cx('flex flex-col gap-1', className)}>
      {rows.map(([keys, text]) => (
        <div key={text} className="flex items-center justify-between gap-3">
          <dt>{text}</dt>
          <dd>
            <Keys keys={keys} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
