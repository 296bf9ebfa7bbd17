/** A suggested edit: what goes and what comes, line by line. */
'use client';

import { cx } from '@/lib/cx';
import { diffRows, type DiffRow } from './lines';

const LOOKS: Record<DiffRow['kind'], { mark: string; word: string; look: string }> = {
  same: { mark: ' ', word: '', look: 'text-muted' },
  removed: { mark: '−', word: 'Removed: ', look: 'bg-danger/12' },
  added: { mark: '+', word: 'Added: ', look: 'bg-ok/12' },
};

interface SuggestionDiffProps {
  /** What the lines are; `null` while that is not known. */
  before: string | null;
  after: string;
}

export function SuggestionDiff({ before, after }: SuggestionDiffProps) {
  const rows = before === null ? null : diffRows(before, after);
  const shown: readonly DiffRow[] =
    rows ?? after.split(/\r\n|\r|\n/).map((text) => ({ kind: 'added', text }));
  return (
    <div
      role="group"
      aria-label="Suggested edit"
      tabIndex={0}
      className="max-h-72 overflow-auto rounded-md border bg-panel py-1 font-mono text-xs leading-5"
    >
      {after === '' ? <p className="px-2 font-sans text-muted">These lines are to go.</p> : null}
      {shown.map((row, index) => {
        const { mark, word, look } = LOOKS[row.kind];
        return (
          <div key={index} className={cx('flex w-max min-w-full px-2 whitespace-pre', look)}>
            <span aria-hidden className="w-4 shrink-0 select-none">
              {mark}
            </span>
            <span className="sr-only">{word}</span>
            <span>{row.text === '' ? ' ' : row.text}</span>
          </div>
        );
      })}
    </div>
  );
}
