/** One of several things with a few words about each; arrows move, as in any group of radio buttons. */
'use client';

import { useId, type ReactNode } from 'react';
import { cx } from '@/lib/cx';

export interface Option {
  key: string;
  title: string;
  /** A line below. */
  text?: ReactNode;
  /** At the end of the line: sizes and counts. */
  note?: ReactNode;
}

interface OptionListProps {
  label: string;
  options: readonly Option[];
  chosen: string | null;
  onChoose: (key: string) => void;
}

export function OptionList({ label, options, chosen, onChoose }: OptionListProps) {
  const name = useId();
  return (
    <div role="radiogroup" aria-label={label} className="max-h-64 overflow-auto rounded-lg border bg-panel">
      {options.map((option) => (
        <label
          key={option.key}
          className={cx(
            'flex cursor-pointer items-start gap-2.5 border-b px-3 py-2 last:border-b-0',
            option.key === chosen ? 'bg-selected' : 'hover:bg-hover',
          )}
        >
          <input
            type="radio"
            name={name}
            value={option.key}
            checked={option.key === chosen}
            onChange={() => onChoose(option.key)}
            className="mt-1 accent-accent-solid"
          />
          <span className="min-w-0 flex-1">
            <span className="block truncate font-medium">{option.title}</span>
            {option.text ? <span className="block text-xs text-muted">{option.text}</span> : null}
          </span>
          {option.note ? (
            <span className="shrink-0 text-xs text-muted tabular-nums">{option.note}</span>
          ) : null}
        </label>
      ))}
    </div>
  );
}
