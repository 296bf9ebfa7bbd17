/**
 * All that the page knows of one review, and how it is kept fresh.
 *
 * The review's `version` is raised by whatever happens to it, comments included: it alone is asked for again and again, and
 * the rest only when it has changed.
 */
'use client';

import { keepPreviousData, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { fetchDiff, fetchRun, fetchThreads, type CompareWith } from '@/api/reading';
import { getReview, listRounds, listSteps } from '@/api/reviews';
import type { Review, ReviewDiff, ReviewRound, ReviewStep, Run, Thread } from '@/api/types';

/** How often the review is asked for while the page is looked at. */
export const REFRESH_MS = 15_000;

/** A run ends without our doing. */
const RUN_MS = 10_000;

/** More steps would be none that anybody reads in a header; the trail has them page by page. */
const HEADER_STEPS = 1_000;

export const reviewKey = (id: string) => ['review', id] as const;
const partKey = (id: string, part: 'rounds' | 'steps' | 'threads' | 'diff' | 'trail') =>
  ['review', id, part] as const;
export const diffKey = (id: string) => partKey(id, 'diff');
export const trailKey = (id: string) => partKey(id, 'trail');
export const runKey = (id: string) => ['review-run', id] as const;

/** What of a review is looked at. */
export interface Looking {
  /** `null`: the newest. */
  round: number | null;
  from: CompareWith;
}

export interface ReviewData {
  review: UseQueryResult<Review>;
  rounds: UseQueryResult<ReviewRound[]>;
  steps: UseQueryResult<ReviewStep[]>;
  diff: UseQueryResult<ReviewDiff>;
  threads: UseQueryResult<Thread[]>;
  run: UseQueryResult<Run | null>;
  /** Asks for everything anew; resolves to the review as it is then. */
  refresh: () => Promise<Review | undefined>;
  /** Shows a review an answer has told of. */
  told: (review: Review) => void;
}

export function useReview(id: string, { round, from }: Looking): ReviewData {
  const client = useQueryClient();
  const review = useQuery({
    queryKey: reviewKey(id),
    queryFn: () => getReview(id),
    refetchInterval: REFRESH_MS,
    refetchOnWindowFocus: 'always',
  });
  const { data } = review;
  const submitted = data !== undefined && data.round > 0;
  const shown = round ?? data?.round ?? 0;
  const rounds = useQuery({
    queryKey: partKey(id, 'rounds'),
    queryFn: () => listRounds(id),
    enabled: submitted,
    staleTime: Infinity,
  });
  const steps = useQuery({
    queryKey: partKey(id, 'steps'),
    queryFn: () => allSteps(id),
    enabled: data !== undefined,
    staleTime: Infinity,
  });
  const diff = useQuery({
    queryKey: [...partKey(id, 'diff'), shown, from],
    queryFn: ({ signal }) => fetchDiff(id, shown, from, signal),
    enabled: submitted,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  const threads = useQuery({
    queryKey: [...partKey(id, 'threads'), shown],
    queryFn: ({ signal }) => fetchThreads(id, shown, signal),
    enabled: submitted,
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
  const run = useQuery({
    queryKey: runKey(id),
    queryFn: () => fetchRun(id),
    enabled: submitted,
    refetchInterval: ({ state }) => (state.data ? RUN_MS : false),
  });

  const refreshParts = useCallback(
    () =>
      Promise.all(
        (['rounds', 'steps', 'threads', 'trail'] as const).map((part) =>
          client.invalidateQueries({ queryKey: partKey(id, part) }),
        ),
      ),
    [client, id],
  );

  const version = data?.version;
  const known = useRef(version);
  useEffect(() => {
    if (known.current !== undefined && version !== known.current) void refreshParts();
    known.current = version;
  }, [version, refreshParts]);

  const refresh = useCallback(async () => {
    const [fresh] = await Promise.all([
      client
        .fetchQuery({ queryKey: reviewKey(id), queryFn: () => getReview(id), staleTime: 0 })
        .catch(() => undefined),
      refreshParts(),
    ]);
    return fresh;
  }, [client, id, refreshParts]);

  const told = useCallback(
    (fresh: Review) => {
      client.setQueryData<Review>(reviewKey(id), (old) => (old && old.version > fresh.version ? old : fresh));
    },
    [client, id],
  );

  return { review, rounds, steps, diff, threads, run, refresh, told };
}

async function allSteps(id: string): Promise<ReviewStep[]> {
  const steps: ReviewStep[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: ReviewStep[]; next?: string | null } = await listSteps(id, cursor);
    steps.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor !== null && steps.length < HEADER_STEPS);
  return steps;
}
