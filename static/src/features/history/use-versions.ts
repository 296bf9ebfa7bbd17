/** The versions of a path, a page at a time, the newest first. */
'use client';

import { useInfiniteQuery } from '@tanstack/react-query';
import type { Version } from '@/api/types';
import { fetchVersions } from '@/api/versions';

/** Versions asked for at once: more than fit on a page of the screen. */
const PAGE = 100;

export type HistoryView = 'changes' | 'deleted';

export function versionsKey(session: string) {
  return ['versions', session] as const;
}

export interface VersionsQuery {
  versions: readonly Version[];
  status: 'pending' | 'error' | 'success';
  error: Error | null;
  more: boolean;
  fetchingMore: boolean;
  fetchMore: () => void;
  refetch: () => void;
}

export function useVersions(session: string, path: string, under: boolean, view: HistoryView): VersionsQuery {
  const query = useInfiniteQuery({
    queryKey: [...versionsKey(session), path, under, view],
    queryFn: ({ pageParam, signal }) =>
      fetchVersions(session, path, {
        under,
        removed: view === 'deleted',
        limit: PAGE,
        cursor: pageParam,
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    staleTime: 0,
  });
  return {
    versions: query.data?.pages.flatMap((page) => page.items) ?? [],
    status: query.data ? 'success' : query.status,
    error: query.error,
    more: query.hasNextPage,
    fetchingMore: query.isFetchingNextPage,
    fetchMore: () => void query.fetchNextPage(),
    refetch: () => void query.refetch(),
  };
}
