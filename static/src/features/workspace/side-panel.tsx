/** Beside the editor: the files, or what is looked for in them. The files stay as they are meanwhile. */
'use client';

import { useEffect, useRef } from 'react';
import { SearchPanel } from '@/features/search/search-panel';
import { TreePanel } from '@/features/tree/tree-panel';
import { useNoStrayDrops } from '@/features/upload/use-file-drop';
import { useStore } from '@/lib/store';
import { useWorkspace } from './workspace-context';

export function SidePanel() {
  const { side } = useWorkspace().services;
  const shown = useStore(side);
  const files = useRef<HTMLDivElement>(null);
  const before = useRef(shown);
  useNoStrayDrops();

  useEffect(() => {
    const back = before.current === 'search' && shown === 'files';
    before.current = shown;
    // The keyboard was in what has gone, unless the user has taken it elsewhere.
    if (!back || document.activeElement !== document.body) return;
    const panel = files.current;
    const row = panel?.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]');
    (row ?? panel?.querySelector<HTMLElement>('button'))?.focus();
  }, [shown]);

  return (
    <>
      <div ref={files} className="h-full" hidden={shown !== 'files'}>
        <TreePanel />
      </div>
      {shown === 'search' ? <SearchPanel onClose={() => side.set('files')} /> : null}
    </>
  );
}
