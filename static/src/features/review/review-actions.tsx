/** What one can do to a review now, as the server says it. */
'use client';

import { ChevronDown } from 'lucide-react';
import { useState } from 'react';
import { takeStep } from '@/api/reviews';
import type { ReviewAction } from '@/api/types';
import { Button } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Dropdown, type MenuEntry } from '@/components/menu';
import { HandOverDialog } from './hand-over-dialog';
import { useReviewPage } from './review-context';
import { ACTION_WORDS, count } from './review-words';
import { SubmitDialog } from './submit-dialog';
import { tally } from './thread-rules';
import { useAttempt } from './use-attempt';

const VERDICTS: readonly ReviewAction[] = ['approve', 'request_changes', 'reject'];

const QUESTIONS: Partial<Record<ReviewAction, { title: string; text: string; danger?: boolean }>> = {
  decline: { title: 'Decline this review?', text: 'You are not asked for it any more.' },
  release: {
    title: 'Release this review?',
    text: 'It goes back to those who may claim it. What you have published stays.',
  },
  withdraw: {
    title: 'Withdraw this request?',
    text: 'Nobody reviews it any more. It can be reopened.',
    danger: true,
  },
};

export function ReviewActions({ onDecide }: { onDecide: () => void }) {
  const { review, threads, told } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const confirm = useConfirm();
  const [dialog, setDialog] = useState<'hand_over' | 'submit' | null>(null);
  const { drafts } = tally(threads);
  const can = (action: ReviewAction): boolean => review.possible.includes(action);
  const decides = VERDICTS.some(can);

  const take = async (action: ReviewAction): Promise<void> => {
    const question = QUESTIONS[action];
    if (question && !(await confirm({ ...question, yes: ACTION_WORDS[action] }))) return;
    await attempt(async () => told(await takeStep(review.id, { action, why: '' })));
  };

  const more: MenuEntry[] = (['hand_over', 'release', 'decline', 'withdraw'] as const)
    .filter(can)
    .map((action) => ({
      label: ACTION_WORDS[action],
      danger: action === 'withdraw',
      onSelect: () => (action === 'hand_over' ? setDialog('hand_over') : void take(action)),
    }));

  return (
    <div role="group" aria-label="What you can do" className="flex flex-wrap items-center gap-1.5">
      {can('claim') ? (
        <Button variant="primary" busy={busy} onClick={() => void take('claim')}>
          {ACTION_WORDS.claim}
        </Button>
      ) : null}
      {can('reopen') ? (
        <Button variant="primary" busy={busy} onClick={() => void take('reopen')}>
          {ACTION_WORDS.reopen}
        </Button>
      ) : null}
      {can('submit') ? (
        <Button variant={review.your_turn ? 'primary' : 'secondary'} onClick={() => setDialog('submit')}>
          {review.round === 0 ? 'Submit' : ACTION_WORDS.submit}
        </Button>
      ) : null}
      {decides || drafts > 0 ? (
        <Button variant={decides ? 'primary' : 'secondary'} title="Shift+P" onClick={onDecide}>
          {decides ? 'Decide…' : 'Publish…'}
          {drafts > 0 ? (
            <span className="rounded-full border border-current px-1.5 text-2xs">
              {count(drafts, 'draft')}
            </span>
          ) : null}
        </Button>
      ) : null}
      {more.length > 0 ? (
        <Dropdown
          entries={more}
          trigger={
            <Button variant="ghost" aria-label="More to do">
              More <ChevronDown aria-hidden className="size-3.5" />
            </Button>
          }
        />
      ) : null}
      {dialog === 'hand_over' ? <HandOverDialog onClose={() => setDialog(null)} /> : null}
      {dialog === 'submit' ? <SubmitDialog onClose={() => setDialog(null)} /> : null}
    </div>
  );
}
