/** Something read once for each of its keys: loading, then there or failed; a new key reads anew. */
'use client';

import { useCallback, useEffect, useState } from 'react';
import { messageOf } from '@/api/problem';

export type Loaded<T> =
  { kind: 'loading' } | { kind: 'ready'; value: T } | { kind: 'failed'; message: string };

/** `read` is the key: keep it the same (`useCallback`) for as long as its answer would be. */
export function useLoaded<T>(read: (signal: AbortSignal) => Promise<T>): [Loaded<T>, () => void] {
  const [state, setState] = useState<Loaded<T>>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const abort = new AbortController();
    read(abort.signal).then(
      (value) => !abort.signal.aborted && setState({ kind: 'ready', value }),
      (error: unknown) => !abort.signal.aborted && setState({ kind: 'failed', message: messageOf(error) }),
    );
    return () => abort.abort();
  }, [read, attempt]);

  const again = useCallback(() => {
    setState({ kind: 'loading' });
    setAttempt((count) => count + 1);
  }, []);
  return [state, again];
}
