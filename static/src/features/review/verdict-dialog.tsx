/** Decides a review, or only publishes what was written: says how much is published with it, and what stands in the way. */
'use client';

import { useId, useState } from 'react';
import { publishDrafts } from '@/api/reading';
import { takeStep } from '@/api/reviews';
import type { ReviewAction, Thread } from '@/api/types';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { INPUT_CLASS } from '@/components/field';
import { OptionList } from '@/components/option-list';
import { cx } from '@/lib/cx';
import { displayName } from '@/lib/paths';
import { linesWords } from './lines';
import { useReviewPage } from './review-context';
import { KIND_WORDS, THREAD_STATE_WORDS, count, personName } from './review-words';
import { LONGEST_WHY } from './submit-dialog';
import { tally } from './thread-rules';
import { useAttempt } from './use-attempt';

type Choice = Extract<ReviewAction, 'approve' | 'request_changes' | 'reject'> | 'publish';

const VERDICTS = ['approve', 'request_changes', 'reject'] as const;

const WORDS: Record<Choice, { title: string; text: string; button: string }> = {
  approve: { title: 'Approve', text: 'It is good as it is. This is final.', button: 'Approve' },
  request_changes: {
    title: 'Request changes',
    text: 'Its author is to submit another round.',
    button: 'Request changes',
  },
  reject: { title: 'Reject', text: 'It is not wanted. This is final.', button: 'Reject' },
  publish: {
    title: 'Only publish',
    text: 'Others see what you have written; nothing is decided.',
    button: 'Publish',
  },
};

export function VerdictDialog({ onClose }: { onClose: () => void }) {
  const { review, shown, threads, told } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const [why, setWhy] = useState('');
  const id = useId();
  const { drafts, blocking, draftIssues } = tally(threads);
  const decides = VERDICTS.some((verdict) => review.possible.includes(verdict));
  const older = shown !== null && shown.round !== review.round;
  const obstacles = [...blocking, ...draftIssues];
  const isOpen = (choice: Choice): boolean => {
    if (choice === 'publish') return drafts > 0;
    return !older && review.possible.includes(choice) && (choice !== 'approve' || obstacles.length === 0);
  };
  const choices: Choice[] = [...(decides ? VERDICTS : []), ...(drafts > 0 ? (['publish'] as const) : [])];
  const [wanted, setWanted] = useState<Choice | null>(null);
  const chosen = wanted ?? (draftIssues.length + blocking.length > 0 ? 'request_changes' : null);
  const choice =
    chosen !== null && isOpen(chosen) ? chosen : choices.length === 1 ? (choices[0] ?? null) : null;

  const decide = async (): Promise<void> => {
    if (choice === null || !isOpen(choice)) return;
    const done = await attempt(async () => {
      if (choice === 'publish') await publishDrafts(review.id);
      else told(await takeStep(review.id, { action: choice, round: shown?.round ?? review.round, why }));
    });
    if (done) onClose();
  };

  return (
    <Dialog
      open
      onClose={onClose}
      busy={busy}
      title={decides ? `Decide round ${review.round}` : 'Publish'}
      description={
        drafts === 0
          ? 'You have no unpublished comments.'
          : `${count(drafts, 'draft')} ${drafts === 1 ? 'is' : 'are'} published with it.`
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant={choice === 'reject' ? 'danger' : 'primary'}
            busy={busy}
            disabled={choice === null || !isOpen(choice)}
            onClick={() => void decide()}
          >
            {choice === null ? 'Decide' : WORDS[choice].button}
          </Button>
        </>
      }
    >
      {older && decides ? (
        <p role="alert" className="mb-3 text-warn">
          You are looking at round {shown.round}; a verdict is about the newest, which is {review.round}. Look
          at that first.
        </p>
      ) : null}
      {choices.length === 0 ? (
        <p className="text-muted">There is nothing to decide and nothing to publish.</p>
      ) : (
        <OptionList
          label="Verdict"
          options={choices.map((one) => ({
            key: one,
            title: WORDS[one].title,
            text: isOpen(one) || older ? WORDS[one].text : closedWords(one, obstacles.length),
          }))}
          chosen={choice}
          onChoose={(key) => {
            const next = choices.find((one) => one === key);
            if (next !== undefined && isOpen(next)) setWanted(next);
          }}
        />
      )}
      {decides && obstacles.length > 0 ? <Obstacles threads={obstacles} onClose={onClose} /> : null}
      {decides && choice !== 'publish' ? (
        <>
          <label htmlFor={id} className="mt-3 block font-medium">
            Why (optional)
          </label>
          <textarea
            id={id}
            rows={3}
            maxLength={LONGEST_WHY}
            value={why}
            onChange={(event) => setWhy(event.target.value)}
            className={cx(INPUT_CLASS, 'mt-1 py-1.5')}
          />
        </>
      ) : null}
    </Dialog>
  );
}

function closedWords(choice: Choice, obstacles: number): string {
  if (choice === 'approve' && obstacles > 0) {
    return `Not before ${obstacles === 1 ? 'the issue below is' : `the ${obstacles} issues below are`} verified.`;
  }
  return 'Not possible as it stands.';
}

/** More would be no list anybody reads. */
const MOST_SHOWN = 8;

function Obstacles({ threads, onClose }: { threads: readonly Thread[]; onClose: () => void }) {
  const { showThread } = useReviewPage();
  return (
    <section aria-label="What blocks approval" className="mt-3">
      <h3 className="text-xs font-semibold text-danger">
        {count(threads.length, 'issue')} in the way of approval
      </h3>
      <ul className="mt-1 flex flex-col gap-1">
        {threads.slice(0, MOST_SHOWN).map((thread) => (
          <li key={thread.id}>
            <button
              type="button"
              className="w-full truncate rounded border px-2 py-1 text-left hover:bg-hover"
              onClick={() => {
                onClose();
                showThread(thread.id);
              }}
            >
              <span className="text-xs text-muted">
                {thread.draft
                  ? 'Your draft'
                  : `${KIND_WORDS[thread.kind]}, ${THREAD_STATE_WORDS[thread.state].toLowerCase()}`}
                {thread.comments[0] && !thread.draft ? `, ${personName(thread.comments[0].author)}` : ''}
                {thread.path != null ? `, ${displayName(thread.path)}` : ''}
                {thread.at.lines ? `, ${linesWords(thread.at.lines)}` : ''}
              </span>
              <span className="block truncate">{displayName(thread.comments[0]?.text ?? '')}</span>
            </button>
          </li>
        ))}
        {threads.length > MOST_SHOWN ? (
          <li className="text-muted">and {threads.length - MOST_SHOWN} more</li>
        ) : null}
      </ul>
    </section>
  );
}
