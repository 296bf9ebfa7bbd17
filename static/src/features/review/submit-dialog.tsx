/** Submits what the workspace holds now as the next round. */
'use client';

import { useId, useState } from 'react';
import { submitRound } from '@/api/reviews';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { INPUT_CLASS } from '@/components/field';
import { cx } from '@/lib/cx';
import { useReviewPage } from './review-context';
import { count } from './review-words';
import { useAttempt } from './use-attempt';

/** As long as the server takes it. */
export const LONGEST_WHY = 2_000;

export function SubmitDialog({ onClose }: { onClose: () => void }) {
  const { review, threads, told } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const [note, setNote] = useState('');
  const id = useId();
  const unanswered = threads.filter(
    ({ kind, state, draft }) => kind === 'issue' && state === 'open' && !draft,
  ).length;
  const submit = async (): Promise<void> => {
    if (await attempt(async () => told(await submitRound(review.id, { note })))) onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      busy={busy}
      title={`Submit round ${review.round + 1}`}
      description="What the workspace holds now is frozen as it is. You can go on working meanwhile."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={busy} onClick={() => void submit()}>
            Submit
          </Button>
        </>
      }
    >
      <label htmlFor={id} className="font-medium">
        What has changed (optional)
      </label>
      <textarea
        id={id}
        rows={3}
        maxLength={LONGEST_WHY}
        value={note}
        onChange={(event) => setNote(event.target.value)}
        className={cx(INPUT_CLASS, 'mt-1 py-1.5')}
      />
      {unanswered > 0 ? (
        <p className="mt-2 text-warn">
          {count(unanswered, 'issue')} still open: resolve what you have settled.
        </p>
      ) : null}
    </Dialog>
  );
}
