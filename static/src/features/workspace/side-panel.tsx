/** Beside the editor: the files, or what is looked for in them. The files stay as they are meanwhile. */
'use client';

import { SearchPanel } from '@/features/search/search-panel';
import { TreePanel } from '@/features/tree/tree-panel';
import { useNoStrayDrops } from '@/features/upload/use-file-drop';
import { useStore } from '@/lib/store';
import { useWorkspace } from './workspace-context';

export function SidePanel() {
  const { side } = useWorkspace().services;
  const shown = useStore(side);
  useNoStrayDrops();
  return (
    <>
      <div className="h-full" hidden={shown !== 'files'}>
        <TreePanel />
      </div>
      {shown === 'search' ? <SearchPanel onClose={() => side.set('files')} /> : null}
    </>
  );
}
