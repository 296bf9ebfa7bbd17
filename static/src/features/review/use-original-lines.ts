/** The text of the lines a thread was written on, in the round it was written on. Rounds never change: it is read once. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { readRoundFile, type RoundName } from '@/api/reading';
import { decodeText } from '@/features/editor/file-text';
import { sliceLines } from './lines';
import type { Place } from './placing';
import { useReviewPage } from './review-context';

/** Texts are dropped this long after nothing shows them. */
const KEPT_MS = 60_000;

export function useRoundText(path: string | null, round: RoundName | null) {
  const { review } = useReviewPage();
  return useQuery({
    queryKey: ['review-text', review.id, round, path],
    queryFn: async ({ signal }) =>
      decodeText((await readRoundFile(review.id, path ?? '', round ?? 0, signal)).bytes),
    enabled: path !== null && round !== null,
    staleTime: Infinity,
    gcTime: KEPT_MS,
    refetchOnWindowFocus: false,
  });
}

/** Which frozen text a place is in. */
export function textOf({ round, side }: Pick<Place, 'round' | 'side'>): RoundName {
  if (side === 'new') return round;
  return round === 1 ? 'start' : round - 1;
}

/** `null` while it is read, and where there is no such text. */
export function useOriginalLines(place: Place | null): string | null {
  const text = useRoundText(place?.lines ? place.path : null, place ? textOf(place) : null);
  if (!place?.lines || text.data?.kind !== 'text') return null;
  return sliceLines(text.data.text, place.lines);
}
