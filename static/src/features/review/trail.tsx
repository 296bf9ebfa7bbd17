/** What was done to a review, in words: the newest last, page by page. */
'use client';

import { useInfiniteQuery } from '@tanstack/react-query';
import { messageOf } from '@/api/problem';
import { listSteps } from '@/api/reviews';
import { Button } from '@/components/button';
import { Failure, Loading } from '@/components/states';
import { formatAgo, formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { useReviewPage } from './review-context';
import { STATE_WORDS, stepWords } from './review-words';
import { trailKey } from './use-review';

export function Trail() {
  const { review } = useReviewPage();
  const steps = useInfiniteQuery({
    queryKey: trailKey(review.id),
    queryFn: ({ pageParam }) => listSteps(review.id, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
  });
  if (steps.isPending) return <Loading />;
  if (steps.isError && !steps.data) {
    return (
      <Failure
        title="The trail could not be loaded"
        actions={<Button onClick={() => void steps.refetch()}>Try again</Button>}
      >
        {messageOf(steps.error)}
      </Failure>
    );
  }
  const items = steps.data.pages.flatMap((page) => page.items);
  return (
    <div className="h-full overflow-auto">
      <ol aria-label="What was done" className="mx-auto flex max-w-3xl flex-col gap-3 px-6 py-6">
        {items.length === 0 ? <li className="text-muted">Nothing was done yet.</li> : null}
        {items.map((step) => (
          <li
            key={step.number}
            className="flex gap-3 rounded-lg border bg-panel px-3 py-2"
            data-step={step.action}
          >
            <span className="w-6 shrink-0 text-right text-faint tabular-nums">{step.number}</span>
            <div className="min-w-0 flex-1">
              <p>
                <span className="font-medium">{stepWords(step)}</span>
                {step.from === step.to ? null : (
                  <span className="text-muted">
                    {' '}
                    · {STATE_WORDS[step.from]} → {STATE_WORDS[step.to]}
                  </span>
                )}
              </p>
              {step.why === '' ? null : (
                <p className="mt-1 whitespace-pre-wrap break-words text-muted">{displayLines(step.why)}</p>
              )}
            </div>
            <time dateTime={step.at} title={formatTime(step.at)} className="shrink-0 text-xs text-faint">
              {formatAgo(step.at)}
            </time>
          </li>
        ))}
        {steps.hasNextPage ? (
          <li>
            <Button busy={steps.isFetchingNextPage} onClick={() => void steps.fetchNextPage()}>
              Show more
            </Button>
          </li>
        ) : null}
      </ol>
    </div>
  );
}

/** Line ends are kept; whatever else would deceive is not. */
function displayLines(text: string): string {
  return text.split('\n').map(displayName).join('\n');
}
