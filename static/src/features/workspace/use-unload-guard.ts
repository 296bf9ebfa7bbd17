/** Asks before the page is left with text the server has not acknowledged. */
'use client';

import { useEffect } from 'react';
import { useWorkspace } from './workspace-context';

export function useUnloadGuard(): void {
  const { files } = useWorkspace();
  useEffect(() => {
    const onBeforeUnload = (event: BeforeUnloadEvent): void => {
      if (files.unsaved.get().size > 0) event.preventDefault();
    };
    window.addEventListener('beforeunload', onBeforeUnload);
    return () => window.removeEventListener('beforeunload', onBeforeUnload);
  }, [files]);
}
