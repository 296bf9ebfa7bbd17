/** Tabs above, the file in front below. */
'use client';

import { FileCode2 } from 'lucide-react';
import { Empty } from '@/components/states';
import { Keys } from '@/components/shortcut';
import { useStore } from '@/lib/store';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { EditorTabs } from './editor-tabs';
import { FileView } from './file-view';

export function EditorPanel() {
  const { files } = useWorkspace();
  const { active } = useStore(files.tabs);
  const file = active === null ? undefined : files.find(active);
  return (
    <section aria-label="Editor" className="flex h-full min-h-0 flex-col bg-panel">
      <EditorTabs />
      <div className="min-h-0 flex-1" {...(file ? { role: 'tabpanel', 'aria-label': file.path } : {})}>
        {file ? (
          <FileView file={file} />
        ) : (
          <Empty icon={<FileCode2 aria-hidden />} title="No file is open">
            <p>Choose a file in the tree, or make a new one.</p>
            <p className="mt-3 flex flex-wrap justify-center gap-x-4 gap-y-1 text-xs text-faint">
              <span>
                <Keys keys="Mod+S" /> save
              </span>
              <span>
                <Keys keys="Mod+Enter" /> run
              </span>
              <span>
                <Keys keys="?" /> all shortcuts
              </span>
            </p>
          </Empty>
        )}
      </div>
    </section>
  );
}
