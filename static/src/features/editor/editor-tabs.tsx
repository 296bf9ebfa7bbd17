/** The open files as tabs; ● marks what is not saved. */
'use client';

import { History, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useConfirm } from '@/components/confirm';
import { FileIcon } from '@/components/file-icon';
import { TabStrip, type TabItem } from '@/components/tab-strip';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { baseName, displayName, parentOf } from '@/lib/paths';
import { useStore } from '@/lib/store';
import type { OpenFile } from './open-file';
import { useCloseFile } from './use-close-file';

export function EditorTabs() {
  const { files, overlay } = useWorkspace();
  const { files: open, active } = useStore(files.tabs);
  const close = useCloseFile(useConfirm());
  useFileStates(open);
  if (open.length === 0) return null;

  const names = open.map((file) => baseName(file.path));
  return (
    <TabStrip
      label="Open files"
      look="file"
      className="h-9 shrink-0 border-b bg-bg"
      items={open.map((file) => ({
        ...tabOf(file, names.filter((name) => name === baseName(file.path)).length > 1),
        menu: [
          {
            label: 'History',
            keys: 'Alt H',
            icon: <History />,
            onSelect: () => overlay.set({ kind: 'history', path: file.path }),
          },
          'line',
          { label: 'Close', keys: 'Alt W', icon: <X />, onSelect: () => void close(file.path) },
        ],
      }))}
      active={active}
      onActivate={(path) => files.activate(path)}
      onClose={(path) => void close(path)}
    />
  );
}

/** Draws anew when any of the files changes its state. */
function useFileStates(files: readonly OpenFile[]): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    const stops = files.map((file) => file.state.subscribe(() => redraw((count) => count + 1)));
    return () => stops.forEach((stop) => stop());
  }, [files]);
}

/** `ambiguous`: another open file has the same name, so the folder is shown too. */
function tabOf(file: OpenFile, ambiguous: boolean): TabItem {
  const { path, outside, save } = file.state.get();
  const name = displayName(baseName(path));
  const trouble = save.kind === 'failed' || save.kind === 'conflict' || save.kind === 'retrying';
  return {
    key: path,
    label: file.unsaved ? `${name}, not saved` : name,
    title: displayName(path),
    content: (
      <>
        <FileIcon name={name} />
        <span className={cx('truncate', outside === 'deleted' && 'text-danger line-through')}>{name}</span>
        {ambiguous ? (
          <span className="truncate text-xs text-faint">{displayName(parentOf(path)) || '/'}</span>
        ) : null}
      </>
    ),
    ...(file.unsaved
      ? {
          mark: (
            <span className={cx('text-xs leading-none', trouble ? 'text-danger' : 'text-accent')}>●</span>
          ),
        }
      : {}),
  };
}
