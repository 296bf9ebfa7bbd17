/** Asks before the page is left with what would be lost with it. */
'use client';

import { useEffect, useRef } from 'react';

/** `holds`: whether there is something to lose; asked when the page is about to go. */
export function useUnloadGuard(holds: () => boolean): void {
  const latest = useRef(holds);
  useEffect(() => {
    latest.current = holds;
  });
  useEffect(() => {
    const onBeforeUnload = (event: BeforeUnloadEvent): void => {
      if (latest.current()) event.preventDefault();
    };
    window.addEventListener('beforeunload', onBeforeUnload);
    return () => window.removeEventListener('beforeunload', onBeforeUnload);
  }, []);
}
