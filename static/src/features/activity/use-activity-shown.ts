/** Whether the activity panel is shown, remembered by this browser. */
'use client';

import { useCallback, useState } from 'react';
import { readStored, writeStored } from '@/lib/storage';

const KEY = 'carrel.activity';

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

export function useActivityShown(): [boolean, (shown: boolean) => void] {
  const [shown, setShown] = useState(() => readStored(KEY, isBoolean) ?? false);
  const set = useCallback((next: boolean) => {
    setShown(next);
    writeStored(KEY, next);
  }, []);
  return [shown, set];
}
