/** Suggested edits that were chosen to be taken over together: all of them or none. */
'use client';

import { MOST_APPLIED, applySuggestions } from '@/api/reading';
import { Banner } from '@/components/banner';
import { Button } from '@/components/button';
import { useToast } from '@/components/toasts';
import { namesOf } from '@/lib/names';
import { useReviewPage } from './review-context';
import { count } from './review-words';
import { canApply } from './thread-rules';
import { useAttempt } from './use-attempt';

export function ChosenEdits({ onClear }: { onClear: () => void }) {
  const { review, user, threads, chosen, choose } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const toast = useToast();
  const able = threads
    .flatMap(({ comments }) => comments)
    .filter((comment) => canApply(comment, review, user))
    .map(({ id }) => id);
  const picked = able.filter((id) => chosen.has(id)).slice(0, MOST_APPLIED);
  if (picked.length === 0) return null;
  const apply = (): Promise<boolean> =>
    attempt(async () => {
      const paths = await applySuggestions(review.id, picked);
      onClear();
      toast(`${count(picked.length, 'edit')} applied to ${namesOf(paths)} in your workspace.`, 'ok');
    });
  return (
    <Banner
      tone="info"
      actions={
        <>
          <Button variant="primary" busy={busy} onClick={() => void apply()}>
            Apply {picked.length === 1 ? 'it' : `all ${picked.length}`}
          </Button>
          {able.length > picked.length ? (
            <Button onClick={() => able.slice(0, MOST_APPLIED).forEach((id) => choose(id, true))}>
              Choose all {Math.min(able.length, MOST_APPLIED)}
            </Button>
          ) : null}
          <Button variant="ghost" onClick={onClear}>
            Choose none
          </Button>
        </>
      }
    >
      {count(picked.length, 'suggested edit')} chosen. They are applied together, or none of them if lines
      have changed.
    </Banner>
  );
}
