/** The conflicts of a merge, one row each: where it is, what was decided, and the buttons that decide. */
'use client';

import { useEffect, useRef } from 'react';
import { Button } from '@/components/button';
import { cx } from '@/lib/cx';
import { useStore } from '@/lib/store';
import type { Choice, HunkState, MergeResult } from './merge-result';
import type { Conflict } from './three-way';

const STATE_WORDS: Record<HunkState, string> = {
  open: 'Not decided',
  mine: 'Mine taken',
  theirs: 'Theirs taken',
  both: 'Both taken',
  edited: 'Edited by hand',
  kept: 'Left as it was',
};

const CHOICES: readonly (readonly [Choice, string])[] = [
  ['mine', 'Mine'],
  ['theirs', 'Theirs'],
  ['both', 'Both'],
];

export function HunkList({ result }: { result: MergeResult }) {
  const { hunks, current } = useStore(result.state);
  return (
    <ol aria-label="Conflicts" className="flex flex-col">
      {result.conflicts.map((conflict, index) => (
        <HunkRow
          key={index}
          number={index + 1}
          conflict={conflict}
          state={hunks[index] ?? 'open'}
          current={index === current}
          onSelect={() => result.select(index)}
          onChoose={(choice) => {
            result.select(index);
            result.decide(index, choice);
          }}
          onKeep={() => result.keep(index)}
        />
      ))}
    </ol>
  );
}

interface HunkRowProps {
  number: number;
  conflict: Conflict;
  state: HunkState;
  current: boolean;
  onSelect: () => void;
  onChoose: (choice: Choice) => void;
  onKeep: () => void;
}

function HunkRow({ number, conflict, state, current, onSelect, onChoose, onKeep }: HunkRowProps) {
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) row.current?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  return (
    <li
      ref={row}
      aria-current={current ? 'true' : undefined}
      data-hunk={state}
      className={cx(
        'border-b border-l-2 px-3 py-2',
        current ? 'border-l-accent bg-selected' : 'border-l-transparent',
      )}
    >
      <button type="button" onClick={onSelect} className="flex w-full items-baseline gap-2 text-left">
        <span className="font-medium">Conflict {number}</span>
        <span className="text-xs text-muted">line {conflict.at.mine.start + 1}</span>
        <span className={cx('ml-auto text-xs', state === 'open' ? 'text-warn' : 'text-ok')}>
          {STATE_WORDS[state]}
        </span>
      </button>
      <div role="group" aria-label={`Conflict ${number}: take`} className="mt-1.5 flex gap-1">
        {CHOICES.map(([choice, words]) => (
          <Button
            key={choice}
            aria-pressed={state === choice}
            className={cx('flex-1 px-1', state === choice && 'border-accent! text-accent!')}
            onClick={() => onChoose(choice)}
          >
            {words}
          </Button>
        ))}
        <Button
          variant="ghost"
          className="px-1.5"
          title="Leave what stands in the result now"
          disabled={state !== 'open'}
          onClick={onKeep}
        >
          As is
        </Button>
      </div>
    </li>
  );
}
