/** Does something to a review and says what came of it; what is refused because the review has moved on shows how it stands now. */
'use client';

import { useCallback, useState } from 'react';
import { ApiError, messageOf } from '@/api/problem';
import { useToast } from '@/components/toasts';
import { useReviewPage } from './review-context';
import { STATE_WORDS } from './review-words';

export interface Attempt {
  busy: boolean;
  /** Resolves to whether it was done. */
  attempt: (work: () => Promise<unknown>) => Promise<boolean>;
}

export function useAttempt(): Attempt {
  const { refresh } = useReviewPage();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const attempt = useCallback(
    async (work: () => Promise<unknown>): Promise<boolean> => {
      setBusy(true);
      try {
        await work();
        await refresh();
        return true;
      } catch (error) {
        const moved = error instanceof ApiError && (error.status === 409 || error.status === 403);
        const fresh = moved ? await refresh() : undefined;
        const now = fresh
          ? ` It stands so now: ${STATE_WORDS[fresh.state].toLowerCase()}, round ${fresh.round}.`
          : '';
        toast(`${messageOf(error)}${now}`, moved ? 'warn' : 'danger');
        return false;
      } finally {
        setBusy(false);
      }
    },
    [refresh, toast],
  );
  return { busy, attempt };
}
