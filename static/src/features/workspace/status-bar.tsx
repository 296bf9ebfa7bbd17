/** The lowest line: the connection, what is saved, and where the cursor is. */
'use client';

import { UsageSummary } from '@/features/activity/usage-summary';
import { cursorStore } from '@/features/editor/cursor-store';
import type { SaveState } from '@/features/editor/file-saver';
import { languageLabel } from '@/features/editor/languages';
import type { OpenFile } from '@/features/editor/open-file';
import { LinkIndicator } from '@/features/session/link-indicator';
import { useStore } from '@/lib/store';
import { useWorkspace } from './workspace-context';

const SAVE_WORDS: Record<SaveState['kind'], string> = {
  saved: 'Saved',
  dirty: 'Not saved yet',
  saving: 'Saving…',
  retrying: 'Not saved, trying again',
  failed: 'Not saved',
  conflict: 'Not saved: conflict',
};

export function StatusBar({ onActivity }: { onActivity: () => void }) {
  const workspace = useWorkspace();
  const link = useStore(workspace.link);
  const { active } = useStore(workspace.files.tabs);
  const file = active === null ? undefined : workspace.files.find(active);
  return (
    <footer className="flex h-6 shrink-0 items-center gap-4 border-t bg-panel px-3 text-2xs text-muted">
      <LinkIndicator status={link} />
      <UsageSummary onOpen={onActivity} />
      <div className="flex-1" />
      {file ? <FileStatus file={file} /> : null}
    </footer>
  );
}

function FileStatus({ file }: { file: OpenFile }) {
  const { save, phase, path, outside } = useStore(file.state);
  const cursor = useStore(cursorStore);
  if (phase.kind !== 'ready') return null;
  const trouble = save.kind === 'failed' || save.kind === 'conflict' || save.kind === 'retrying';
  return (
    <>
      <span role="status" data-save={save.kind} className={trouble ? 'text-danger' : ''}>
        {outside === 'deleted' && save.kind === 'saved' ? 'Deleted' : SAVE_WORDS[save.kind]}
      </span>
      {cursor ? (
        <span className="tabular-nums">
          Ln {cursor.line}, Col {cursor.column}
        </span>
      ) : null}
      <span>UTF-8</span>
      <span>{languageLabel(path)}</span>
    </>
  );
}
