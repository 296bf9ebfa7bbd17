/** Hands a review over to another reviewer. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { takeStep } from '@/api/reviews';
import { fetchReviewers } from '@/api/reading';
import { messageOf } from '@/api/problem';
import type { Reviewer } from '@/api/types';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { INPUT_CLASS } from '@/components/field';
import { OptionList } from '@/components/option-list';
import { Failure, Loading } from '@/components/states';
import { cx } from '@/lib/cx';
import { displayName } from '@/lib/paths';
import { useReviewPage } from './review-context';
import { count, personName } from './review-words';
import { LONGEST_WHY } from './submit-dialog';
import { useAttempt } from './use-attempt';

const LEVELS = ['', 'junior', 'senior'] as const;

export function HandOverDialog({ onClose }: { onClose: () => void }) {
  const { review, user, told } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const [to, setTo] = useState<string | null>(null);
  const [why, setWhy] = useState('');
  const id = useId();
  const reviewers = useQuery({ queryKey: ['reviewers', 'hand-over'], queryFn: fetchReviewers });
  const others = (reviewers.data ?? []).filter(
    (reviewer) => reviewer.user.id !== user && reviewer.user.id !== review.author.id,
  );
  const handOver = async (): Promise<void> => {
    if (to === null) return;
    if (await attempt(async () => told(await takeStep(review.id, { action: 'hand_over', to, why }))))
      onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      busy={busy}
      title="Hand over to"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={busy} disabled={to === null} onClick={() => void handOver()}>
            Hand over
          </Button>
        </>
      }
    >
      {reviewers.isPending ? (
        <Loading />
      ) : reviewers.isError ? (
        <Failure title="The reviewers could not be loaded">{messageOf(reviewers.error)}</Failure>
      ) : others.length === 0 ? (
        <p className="text-muted">There is no other reviewer.</p>
      ) : (
        <OptionList label="Reviewers" options={others.map(optionOf)} chosen={to} onChoose={setTo} />
      )}
      <label htmlFor={id} className="mt-3 block font-medium">
        Why (optional)
      </label>
      <textarea
        id={id}
        rows={2}
        maxLength={LONGEST_WHY}
        value={why}
        onChange={(event) => setWhy(event.target.value)}
        className={cx(INPUT_CLASS, 'mt-1 py-1.5')}
      />
    </Dialog>
  );
}

function optionOf({ user, level, paused, load, capacity, topics }: Reviewer) {
  const note = paused ? 'paused' : `${load} of ${count(capacity, 'review')}`;
  const text = [LEVELS[level] ?? '', ...topics.map(displayName)].filter(Boolean).join(' · ');
  return { key: user.id, title: personName(user), text, note };
}
