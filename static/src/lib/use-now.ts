/** The time as React sees it: one clock for everything on the page that counts. */
'use client';

import { useSyncExternalStore } from 'react';
import { serverNow } from './server-clock';

/** A shown second must not be skipped, so look a little more often than it changes. */
const TICK_MS = 500;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
let now = serverNow();

function tick(): void {
  now = serverNow();
  for (const listener of [...listeners]) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === null) {
    now = serverNow();
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** While nobody listens the noted time is old. */
function snapshot(): number {
  return Math.ceil((timer === null ? serverNow() : now) / 1000);
}

/** Milliseconds since 1970 on the server's clock, in whole seconds, so that what shows it re-renders once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, snapshot, () => 0) * 1000;
}
