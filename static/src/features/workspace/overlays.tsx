/** Shows what lies over the workspace. */
'use client';

import { HistoryDialog } from '@/features/history/history-dialog';
import { MergeDialog } from '@/features/merge/merge-dialog';
import { PublishDialog } from '@/features/templates/publish-dialog';
import { SnapshotsDialog } from '@/features/templates/snapshots-dialog';
import { UpdateResult } from '@/features/templates/update-result';
import { useStore } from '@/lib/store';
import { useWorkspace } from './workspace-context';

export function Overlays() {
  const { overlay: store } = useWorkspace();
  const overlay = useStore(store);
  const close = (): void => store.set(null);
  switch (overlay?.kind) {
    case 'merge':
      return <MergeDialog source={overlay.source} onClose={() => store.set(overlay.back ?? null)} />;
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
    case 'snapshots':
      return <SnapshotsDialog onClose={close} />;
    case 'publish':
      return <PublishDialog onClose={close} />;
    case 'template_update':
      return <UpdateResult result={overlay.result} onClose={close} />;
    case undefined:
      return null;
  }
}
