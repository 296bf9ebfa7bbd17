/** The open files as tabs: arrows move, Delete closes, ● marks what is not saved. */
'use client';

import { X } from 'lucide-react';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import { FileIcon } from '@/components/file-icon';
import { useConfirm } from '@/components/confirm';
import { cx } from '@/lib/cx';
import { baseName, displayName, parentOf } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { useWorkspace } from '@/features/workspace/workspace-context';
import type { OpenFile } from './open-file';
import { useCloseFile } from './use-close-file';

export function EditorTabs() {
  const { files } = useWorkspace();
  const { files: open, active } = useStore(files.tabs);
  const close = useCloseFile(useConfirm());
  const names = open.map((file) => baseName(file.path));
  const list = useRef<HTMLDivElement>(null);

  if (open.length === 0) return null;

  const onKeyDown = (event: KeyboardEvent): void => {
    const focusTab = (step: number): void => {
      files.cycle(step);
      requestAnimationFrame(() =>
        list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus(),
      );
    };
    if (event.key === 'ArrowRight') focusTab(1);
    else if (event.key === 'ArrowLeft') focusTab(-1);
    else if (event.key === 'Delete' && active !== null) void close(active);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={list}
      role="tablist"
      aria-label="Open files"
      onKeyDown={onKeyDown}
      className="flex h-9 shrink-0 overflow-x-auto border-b bg-bg [scrollbar-width:none]"
    >
      {open.map((file, index) => (
        <Tab
          key={file.path}
          file={file}
          active={file.path === active}
          ambiguous={names.indexOf(names[index] ?? '') !== names.lastIndexOf(names[index] ?? '')}
          onOpen={() => files.activate(file.path)}
          onClose={() => void close(file.path)}
        />
      ))}
    </div>
  );
}

interface TabProps {
  file: OpenFile;
  active: boolean;
  /** Another open file has the same name: show the folder too. */
  ambiguous: boolean;
  onOpen: () => void;
  onClose: () => void;
}

function Tab({ file, active, ambiguous, onOpen, onClose }: TabProps) {
  const { path, outside, save } = useStore(file.state);
  const unsaved = file.unsaved;
  const element = useRef<HTMLDivElement>(null);
  const name = displayName(baseName(path));
  const trouble = save.kind === 'failed' || save.kind === 'conflict' || save.kind === 'retrying';

  useEffect(() => {
    if (active) element.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [active]);

  return (
    <div
      ref={element}
      role="tab"
      tabIndex={active ? 0 : -1}
      aria-selected={active}
      aria-label={unsaved ? `${name}, not saved` : name}
      title={displayName(path)}
      onClick={onOpen}
      onAuxClick={(event) => event.button === 1 && onClose()}
      className={cx(
        'group relative flex max-w-56 shrink-0 cursor-pointer items-center gap-1.5 border-r pr-1.5 pl-3 select-none focus-visible:outline-offset-[-2px]',
        active
          ? 'bg-panel text-fg after:absolute after:inset-x-0 after:top-0 after:h-0.5 after:bg-accent'
          : 'text-muted hover:bg-hover hover:text-fg',
      )}
    >
      <FileIcon name={name} />
      <span className={cx('truncate', outside === 'deleted' && 'text-danger line-through')}>{name}</span>
      {ambiguous ? (
        <span className="truncate text-xs text-faint">{displayName(parentOf(path)) || '/'}</span>
      ) : null}
      {/* For the pointer only: a button inside a tab would hide it from assistive technology; Delete closes. */}
      <span
        aria-hidden
        title="Close (Delete)"
        onClick={(event) => {
          event.stopPropagation();
          onClose();
        }}
        className="relative inline-flex size-5 items-center justify-center rounded hover:bg-hover"
      >
        {unsaved ? (
          <span
            className={cx('text-xs leading-none group-hover:hidden', trouble ? 'text-danger' : 'text-accent')}
          >
            ●
          </span>
        ) : null}
        <X
          className={cx(
            'size-3.5',
            unsaved ? 'hidden group-hover:block' : active ? '' : 'opacity-0 group-hover:opacity-100',
          )}
        />
      </span>
    </div>
  );
}
