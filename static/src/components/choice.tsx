/** A few choices of which one holds, side by side; arrows move between them. */
'use client';

import { ToggleGroup } from 'radix-ui';
import { cx } from '@/lib/cx';

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, words: string])[];
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(next) => {
        const chosen = options.find(([option]) => option === next);
        // Choosing it again is no choice of nothing.
        if (chosen) onChange(chosen[0]);
      }}
      className="inline-flex w-fit shrink-0 rounded-md border border-line-strong bg-panel p-0.5"
    >
      {options.map(([option, words]) => (
        <ToggleGroup.Item
          key={option}
          value={option}
          className={cx(
            'h-6 rounded px-2 whitespace-nowrap text-muted hover:text-fg',
            'data-[state=on]:bg-selected data-[state=on]:font-medium data-[state=on]:text-accent',
          )}
        >
          {words}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
