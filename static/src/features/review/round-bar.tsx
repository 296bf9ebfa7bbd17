/** Which round is looked at, what it is compared with, and how. */
'use client';

import { Play } from 'lucide-react';
import type { CompareWith } from '@/api/reading';
import { Button } from '@/components/button';
import { Choice } from '@/components/choice';
import { INPUT_CLASS } from '@/components/field';
import { cx } from '@/lib/cx';
import { formatTime } from '@/lib/format';
import type { View } from './review-context';
import { useReviewPage } from './review-context';
import { baseWords, count } from './review-words';
import type { RunControl } from './run-panel';

interface RoundBarProps {
  view: View;
  round: number;
  from: CompareWith;
  beside: boolean;
  hideUnchanged: boolean;
  runShown: boolean;
  control: RunControl;
  onRound: (round: number) => void;
  onFrom: (from: CompareWith) => void;
  onBeside: (beside: boolean) => void;
  onHideUnchanged: (hide: boolean) => void;
  onShowRun: () => void;
}

const VIEWS: readonly (readonly [View, string])[] = [
  ['overview', 'Overview'],
  ['files', 'Files'],
  ['activity', 'Activity'],
];

export function RoundBar(props: RoundBarProps) {
  const { view, round, from, control } = props;
  const { review, rounds, diff, run, show } = useReviewPage();
  const submitted = review.round > 0;
  return (
    <div className="flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-panel px-3 py-1">
      <Choice label="What is shown" value={view} options={VIEWS} onChange={show} />
      {submitted ? (
        <>
          <Picker label="Round" value={`${round}`} onChange={(value) => props.onRound(Number(value))}>
            {rounds.map((one) => (
              <option key={one.number} value={one.number} title={formatTime(one.submitted_at)}>
                Round {one.number}
                {one.number === review.round ? ' (newest)' : ''}
              </option>
            ))}
          </Picker>
          <Picker label="Against" value={`${from}`} onChange={(value) => props.onFrom(asFrom(value))}>
            <option value="previous">the round before</option>
            <option value="seen">the last I saw</option>
            <option value="start">the beginning</option>
            {rounds
              .filter(({ number }) => number < round)
              .map(({ number }) => (
                <option key={number} value={number}>
                  round {number}
                </option>
              ))}
          </Picker>
          {diff ? (
            <span className="text-xs text-muted" role="status">
              {totalWords(diff.totals)} against {baseWords(diff.from)}
            </span>
          ) : null}
        </>
      ) : null}
      <span className="flex-1" />
      {view === 'files' ? (
        <>
          <label className="flex items-center gap-1.5 text-xs text-muted">
            <input
              type="checkbox"
              checked={props.hideUnchanged}
              onChange={(event) => props.onHideUnchanged(event.target.checked)}
              className="accent-accent-solid"
            />
            Hide what is unchanged
          </label>
          <Choice
            label="How texts are compared"
            value={props.beside ? 'beside' : 'inline'}
            options={[
              ['beside', 'Side by side'],
              ['inline', 'In one'],
            ]}
            onChange={(value) => props.onBeside(value === 'beside')}
          />
        </>
      ) : null}
      {submitted ? (
        run && run.round === round && !props.runShown ? (
          <Button onClick={props.onShowRun}>
            <Play aria-hidden className="size-3.5 text-ok" /> Show the run
          </Button>
        ) : run?.round === round ? null : (
          <Button busy={control.busy} onClick={() => void control.start(round)}>
            <Play aria-hidden className="size-3.5 text-ok" /> Run this round
          </Button>
        )
      ) : null}
    </div>
  );
}

function asFrom(value: string): CompareWith {
  if (value === 'previous' || value === 'seen' || value === 'start') return value;
  return Number(value);
}

function totalWords(totals: { added: number; modified: number; deleted: number; renamed: number }): string {
  const all = totals.added + totals.modified + totals.deleted + totals.renamed;
  return all === 0 ? 'Nothing changed' : `${count(all, 'change')}`;
}

interface PickerProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: React.ReactNode;
}

function Picker({ label, value, onChange, children }: PickerProps) {
  return (
    <span className="flex items-center gap-1.5 text-xs text-muted">
      <span aria-hidden>{label}</span>
      <select
        aria-label={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className={cx(INPUT_CLASS, 'h-7 w-auto! text-xs')}
      >
        {children}
      </select>
    </span>
  );
}
