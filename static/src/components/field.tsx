/** A labelled input with its hint or problem, tied together for assistive technology. */
'use client';

import { useId, type ComponentProps, type ReactNode } from 'react';
import { cx } from '@/lib/cx';

interface FieldProps extends ComponentProps<'input'> {
  label: string;
  hint?: ReactNode;
  problem?: string | null | undefined;
}

export const INPUT_CLASS =
  'w-full rounded-md border border-line-strong bg-panel px-2.5 text-fg placeholder:text-faint aria-invalid:border-danger';

export function Field({ label, hint, problem, className, ...rest }: FieldProps) {
  const id = useId();
  const note = problem ?? hint;
  return (
    <div className={cx('flex flex-col gap-1', className)}>
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <input
        {...rest}
        id={id}
        aria-invalid={problem ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        className={cx(INPUT_CLASS, 'h-9 text-sm')}
      />
      {note ? (
        <p id={`${id}-note`} className={cx('text-xs', problem ? 'text-danger' : 'text-faint')}>
          {note}
        </p>
      ) : null}
    </div>
  );
}
