/** A review for tests, and the page's value around what they render. */
import { render } from '@testing-library/react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { vi } from 'vitest';
import type { Review, ReviewComment, ReviewPerson, Thread } from '@/api/types';
import { ConfirmProvider } from '@/components/confirm';
import { ToastProvider } from '@/components/toasts';
import { ComposedTexts } from './composed';
import { placeThread, type Shown } from './placing';
import { ReviewProvider, type ReviewPageValue } from './review-context';
import { isAuthor } from './thread-rules';

export const AUTHOR: ReviewPerson = { id: 'author', username: 'ada', display_name: 'Ada' };
export const HOLDER: ReviewPerson = { id: 'holder', username: 'bob', display_name: 'Bob' };

export const REVIEW: Review = {
  id: '33333333-3333-4333-8333-333333333333',
  session: '22222222-2222-4222-8222-222222222222',
  title: 'Sort in place',
  description: 'Please look at **this**.',
  priority: 'medium',
  topics: [],
  state: 'in_review',
  author: AUTHOR,
  reviewer: HOLDER,
  wanted: [],
  round: 2,
  open_issues: 0,
  turn: { who: 'reviewer', user: 'holder' },
  your_turn: true,
  possible: ['release', 'hand_over', 'approve', 'reject', 'request_changes'],
  version: 7,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
};

export function comment(more: Partial<ReviewComment> = {}): ReviewComment {
  return {
    id: 'c1',
    author: HOLDER,
    text: 'This is **slow**.',
    draft: false,
    created_at: '2026-01-01T00:00:00Z',
    published_at: '2026-01-01T00:00:00Z',
    ...more,
  };
}

export function thread(more: Partial<Thread> = {}): Thread {
  return {
    id: 't1',
    kind: 'issue',
    state: 'open',
    blocking: true,
    draft: false,
    path: 'sort.py',
    written: { round: 1, side: 'new', lines: { start: 2, end: 2 } },
    at: { round: 2, path: 'sort.py', lines: { start: 2, end: 2 }, outdated: false },
    comments: [comment()],
    ...more,
  };
}

export function pageValue(more: Partial<ReviewPageValue> = {}): ReviewPageValue {
  const review = more.review ?? REVIEW;
  const user = more.user ?? HOLDER.id;
  const shown: Shown = { round: 2, base: { kind: 'round', round: 1 } };
  const threads = more.threads ?? [];
  return {
    review,
    user,
    author: isAuthor(review, user),
    rounds: [],
    steps: [],
    threads,
    placed: threads.map((one) => ({ thread: one, placed: placeThread(one, shown) })),
    diff: null,
    shown,
    files: [],
    file: null,
    run: null,
    composed: new ComposedTexts(user, review.id),
    chosen: new Set(),
    choose: vi.fn(),
    refresh: vi.fn(() => Promise.resolve(review)),
    told: vi.fn(),
    showFile: vi.fn(),
    showThread: vi.fn(),
    show: vi.fn(),
    focused: null,
    ...more,
  };
}

export function renderIn(value: ReviewPageValue, children: ReactNode): ReturnType<typeof render> {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={client}>
      <ToastProvider>
        <ConfirmProvider>
          <ReviewProvider value={value}>{children}</ReviewProvider>
        </ConfirmProvider>
      </ToastProvider>
    </QueryClientProvider>,
  );
}
