/** Shows what lies over the workspace. */
'use client';

import { MergeDialog } from '@/features/merge/merge-dialog';
import { useStore } from '@/lib/store';
import { useWorkspace } from './workspace-context';

export function Overlays() {
  const { overlay: store } = useWorkspace();
  const overlay = useStore(store);
  return overlay ? <MergeDialog source={overlay.source} onClose={() => store.set(null)} /> : null;
}
