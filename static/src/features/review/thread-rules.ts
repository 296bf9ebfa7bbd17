/** What one may do to threads and comments: as the server decides it, so that no button is there in vain. */
import type { Review, ReviewComment, Thread, ThreadAction } from '@/api/types';

const OVER = new Set<Review['state']>(['approved', 'rejected', 'withdrawn']);

type Of = Pick<Review, 'state' | 'round' | 'author' | 'reviewer'>;

/** Whether anything can still be said of a review. */
export function isDiscussed(review: Pick<Review, 'state' | 'round'>): boolean {
  return !OVER.has(review.state) && review.round > 0;
}

/** Whether somebody looks at a review for its author. */
export function isAuthor(review: Pick<Review, 'author'>, user: string): boolean {
  return review.author.id === user;
}

/** What `user` may do to a thread. */
export function threadActions(thread: Thread, review: Of, user: string): ThreadAction[] {
  if (thread.draft || !isDiscussed(review)) return [];
  const author = isAuthor(review, user);
  const looksAfter = !author && (thread.comments[0]?.author.id === user || review.reviewer?.id === user);
  if (!author && !looksAfter) return [];
  switch (thread.state) {
    case 'open':
      return looksAfter ? ['resolve', 'verify'] : ['resolve'];
    case 'resolved':
      return looksAfter ? ['verify', 'reopen'] : ['reopen'];
    case 'verified':
      return looksAfter ? ['reopen'] : [];
  }
}

/** Whether lines of a thread can be suggested to be others: those of a round's own text. */
export function canSuggest(thread: Pick<Thread, 'written'>): boolean {
  return thread.written.side === 'new' && thread.written.lines != null;
}

/** Whether `user` may take a suggested edit over. */
export function canApply(comment: ReviewComment, review: Review, user: string): boolean {
  const { suggestion } = comment;
  const waits = suggestion != null && suggestion.applied_at == null && !comment.draft;
  return waits && isAuthor(review, user) && review.session != null && isDiscussed(review);
}

/** What of a review's threads matters for a verdict. */
export interface Tally {
  /** Comments only their author sees so far. */
  drafts: number;
  /** Published issues that are not verified. */
  blocking: Thread[];
  /** Issues that would block once published. */
  draftIssues: Thread[];
  /** Published threads that wait. */
  open: number;
}

export function tally(threads: readonly Thread[]): Tally {
  const comments = threads.flatMap((thread) => thread.comments);
  return {
    drafts: comments.filter(({ draft }) => draft).length,
    blocking: threads.filter(({ blocking, draft }) => blocking && !draft),
    draftIssues: threads.filter(({ blocking, draft }) => blocking && draft),
    open: threads.filter(({ state, draft }) => state === 'open' && !draft).length,
  };
}
