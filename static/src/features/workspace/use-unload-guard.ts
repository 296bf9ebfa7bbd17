/** Asks before the page is left with text the server has not acknowledged, or files still to be sent. */
'use client';

import { useEffect } from 'react';
import { useWorkspace } from './workspace-context';

export function useUnloadGuard(): void {
  const { files, services } = useWorkspace();
  useEffect(() => {
    const onBeforeUnload = (event: BeforeUnloadEvent): void => {
      if (files.unsaved.get().size > 0 || services.uploads.state.get().busy) event.preventDefault();
    };
    window.addEventListener('beforeunload', onBeforeUnload);
    return () => window.removeEventListener('beforeunload', onBeforeUnload);
  }, [files, services]);
}
