/** Shows what lies over the workspace. */
'use client';

import { HistoryDialog } from '@/features/history/history-dialog';
import { MergeDialog } from '@/features/merge/merge-dialog';
import { useStore } from '@/lib/store';
import { useWorkspace } from './workspace-context';

export function Overlays() {
  const { overlay: store } = useWorkspace();
  const overlay = useStore(store);
  const close = (): void => store.set(null);
  switch (overlay?.kind) {
    case 'merge':
      return <MergeDialog source={overlay.source} onClose={close} />;
    case 'history':
      return (
        <HistoryDialog
          key={overlay.path}
          path={overlay.path}
          initialView={overlay.deleted ? 'deleted' : 'changes'}
          onPath={(path) => store.set({ kind: 'history', path })}
          onClose={close}
        />
      );
    case undefined:
      return null;
  }
}
