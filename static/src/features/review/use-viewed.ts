/** Marks files as viewed: at once on the page, and on the server. */
'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { messageOf } from '@/api/problem';
import { setViewed } from '@/api/reading';
import type { ReviewDiff } from '@/api/types';
import { useToast } from '@/components/toasts';
import type { ListedFile } from './changed-files';
import { diffKey } from './use-review';

export function useViewed(review: string, round: number): (file: ListedFile) => Promise<void> {
  const client = useQueryClient();
  const toast = useToast();
  return useCallback(
    async ({ path, status, viewed }) => {
      if (status === 'unchanged') return;
      const mark = (now: boolean): void => {
        client.setQueriesData<ReviewDiff>({ queryKey: [...diffKey(review), round] }, (old) =>
          old
            ? {
                ...old,
                items: old.items.map((item) => (item.path === path ? { ...item, viewed: now } : item)),
              }
            : old,
        );
      };
      mark(!viewed);
      try {
        await setViewed(review, path, round, !viewed);
        // The same file may be in what other rounds are compared with.
        void client.invalidateQueries({ queryKey: diffKey(review), refetchType: 'none' });
      } catch (error) {
        mark(viewed);
        toast(messageOf(error), 'danger');
      }
    },
    [client, review, round, toast],
  );
}
