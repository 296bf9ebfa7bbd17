/** A small field in the place of a name, its problem below it. */
'use client';

import type { CSSProperties } from 'react';
import { cx } from '@/lib/cx';
import { useNameField, type NameFieldOptions } from './use-name-field';

interface RenameInputProps extends NameFieldOptions {
  maxLength: number;
  className?: string;
  style?: CSSProperties;
}

export function RenameInput({ maxLength, className, style, ...options }: RenameInputProps) {
  const { problem, note, input } = useNameField(options);
  return (
    <div className={cx('z-20', className)} style={style} onDoubleClick={(event) => event.stopPropagation()}>
      <input
        {...input}
        maxLength={maxLength}
        className="h-6 w-full min-w-0 rounded border border-accent bg-panel px-1.5 text-xs outline-none"
      />
      {problem ? (
        <p
          id={note}
          role="alert"
          className="absolute top-full left-0 mt-1 w-max max-w-64 rounded-md border border-line-strong bg-raised px-2 py-1 text-xs text-danger shadow-pop"
        >
          {problem}
        </p>
      ) : null}
    </div>
  );
}
