/** The review that is looked at, for everything on its page. */
'use client';

import { createContext, useContext } from 'react';
import type { Review, ReviewDiff, ReviewRound, ReviewStep, Run, Thread } from '@/api/types';
import type { ListedFile, PlacedThread } from './changed-files';
import type { ComposedTexts } from './composed';
import type { Shown } from './placing';

/** What is looked at in the middle of the page. */
export type View = 'overview' | 'files' | 'activity';

export interface ReviewPageValue {
  review: Review;
  /** Who looks. */
  user: string;
  author: boolean;
  rounds: readonly ReviewRound[];
  steps: readonly ReviewStep[];
  threads: readonly Thread[];
  placed: readonly PlacedThread[];
  diff: ReviewDiff | null;
  /** The round and what it is compared with; `null` until that is known, and before the first round. */
  shown: Shown | null;
  files: readonly ListedFile[];
  /** The file in front. */
  file: ListedFile | null;
  run: Run | null;
  composed: ComposedTexts;
  /** Suggested edits chosen to be taken over together. */
  chosen: ReadonlySet<string>;
  choose: (comment: string, chosen: boolean) => void;
  refresh: () => Promise<Review | undefined>;
  told: (review: Review) => void;
  /** Shows a file, or a thread wherever it stands. */
  showFile: (path: string) => void;
  showThread: (thread: string) => void;
  show: (view: View) => void;
  /** The thread the reader was led to last. */
  focused: { thread: string; count: number } | null;
}

const ReviewContext = createContext<ReviewPageValue | null>(null);

export const ReviewProvider = ReviewContext;

export function useReviewPage(): ReviewPageValue {
  const value = useContext(ReviewContext);
  if (!value) throw new Error('useReviewPage needs a review');
  return value;
}
