/** What a review is and where it stands, and what one can do to it now. */
'use client';

import Link from 'next/link';
import { SquareTerminal } from 'lucide-react';
import { Banner } from '@/components/banner';
import { Button } from '@/components/button';
import { Logo } from '@/features/shell/logo';
import { ThemeToggle } from '@/features/shell/theme-toggle';
import { UserMenu } from '@/features/shell/user-menu';
import { cx } from '@/lib/cx';
import { formatAgo, formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { useNow } from '@/lib/use-now';
import { ReviewActions } from './review-actions';
import { useReviewPage } from './review-context';
import { PRIORITY_WORDS, STATE_WORDS, personName, staleVerdict, stepWords, turnWords } from './review-words';

export function ReviewHeader({ onHelp, onDecide }: { onHelp: () => void; onDecide: () => void }) {
  const { review, steps } = useReviewPage();
  const stale = staleVerdict(steps, review.round);
  return (
    <>
      <header className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-2.5 gap-y-1 border-b bg-panel px-3 py-1">
        <Link
          href="/reviews/"
          prefetch={false}
          aria-label="All reviews"
          title="All reviews"
          className="rounded"
        >
          <Logo className="size-6" />
        </Link>
        <h1 className="min-w-0 max-w-[40%] truncate text-sm font-semibold" title={displayName(review.title)}>
          {displayName(review.title)}
        </h1>
        <ReviewStateBadge />
        <span className="min-w-0 flex-1" />
        <ReviewActions onDecide={onDecide} />
        <Button
          variant="ghost"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={onHelp}
        >
          ?
        </Button>
        <ThemeToggle />
        <UserMenu />
      </header>
      <Facts />
      {stale ? (
        <Banner tone="warn">
          The last verdict is about an older round: {stepWords(stale)}. Round {review.round} has not been
          decided.
        </Banner>
      ) : null}
    </>
  );
}

export function ReviewStateBadge() {
  const { review } = useReviewPage();
  const look: Record<typeof review.state, string> = {
    draft: 'text-muted',
    pending: 'text-info',
    in_review: 'text-info',
    approved: 'text-ok',
    rejected: 'text-danger',
    changes_requested: 'text-warn',
    withdrawn: 'text-muted',
  };
  return (
    <span
      data-review-state={review.state}
      className={cx(
        'rounded-full border border-current px-2 text-xs font-medium whitespace-nowrap',
        look[review.state],
      )}
    >
      {STATE_WORDS[review.state]}
    </span>
  );
}

function Facts() {
  const { review, author } = useReviewPage();
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-x-4 gap-y-0.5 border-b bg-bg px-3 py-1 text-xs text-muted">
      <span className={cx('font-medium', review.your_turn && 'text-accent')}>{turnWords(review)}</span>
      <span>
        By <span className="text-fg">{personName(review.author)}</span>
      </span>
      <span>
        {review.reviewer ? (
          <>
            Reviewer <span className="text-fg">{personName(review.reviewer)}</span>
          </>
        ) : review.wanted.length > 0 ? (
          `Asked: ${review.wanted.map(personName).join(', ')}`
        ) : (
          'No reviewer yet'
        )}
      </span>
      <span className={cx((review.priority === 'urgent' || review.priority === 'high') && 'text-warn')}>
        {PRIORITY_WORDS[review.priority]}
      </span>
      {review.due_at != null ? <Due at={review.due_at} /> : null}
      {review.open_issues > 0 ? (
        <span className="text-danger">
          {review.open_issues} {review.open_issues === 1 ? 'issue blocks' : 'issues block'} approval
        </span>
      ) : null}
      <span className="flex-1" />
      {author && review.session != null ? (
        <Link href={`/s/${review.session}/`} className="flex items-center gap-1 text-accent underline">
          <SquareTerminal aria-hidden className="size-3.5" /> To the workspace
        </Link>
      ) : null}
    </div>
  );
}

function Due({ at }: { at: string }) {
  const now = useNow();
  const late = Date.parse(at) < now;
  return (
    <time dateTime={at} title={formatTime(at)} className={cx(late && 'text-danger')}>
      {late ? 'Was due' : 'Due'} {formatAgo(at, now)}
    </time>
  );
}
