/** Tells the server which round was looked at, once its changes were on the screen. */
'use client';

import { useEffect, useRef } from 'react';
import { seeRound } from '@/api/reading';

export function useSeen(review: string, round: number | null): void {
  const told = useRef(0);
  useEffect(() => {
    if (round === null || round <= told.current) return;
    told.current = round;
    // A convenience: the next look tells it again.
    seeRound(review, round).catch(() => {
      told.current = 0;
    });
  }, [review, round]);
}
