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
  /** Why what is listed is not all that was asked for: what is there stays. */
  behind: 'older' | 'newer' | null;
  more: boolean;
  fetching: boolean;
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
    behind: query.isFetchNextPageError ? 'older' : query.isRefetchError ? 'newer' : null,
    more: query.hasNextPage,
    fetching: query.isFetching,
    fetchingMore: query.isFetchingNextPage,
    fetchMore: () => void query.fetchNextPage(),
    refetch: () => void query.refetch(),
  };
}
