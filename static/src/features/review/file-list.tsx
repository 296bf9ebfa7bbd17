/** What has changed, file by file: what became of it, what was said of it, and whether it was viewed. */
'use client';

import { Check, MessageSquare } from 'lucide-react';
import { useId, useMemo, useState, type KeyboardEvent } from 'react';
import { FileIcon } from '@/components/file-icon';
import { INPUT_CLASS } from '@/components/field';
import { VirtualRows } from '@/components/virtual-rows';
import { cx } from '@/lib/cx';
import { baseName, displayName, parentOf } from '@/lib/paths';
import { matching, progress, type ListedFile } from './changed-files';
import { changeWords, count, STATUS_WORDS } from './review-words';

const ROW_PX = 26;

interface FileListProps {
  files: readonly ListedFile[];
  current: string | null;
  onOpen: (path: string) => void;
  onViewed: (file: ListedFile) => void;
}

export function FileList({ files, current, onOpen, onViewed }: FileListProps) {
  const id = useId();
  const [filter, setFilter] = useState('');
  const shown = useMemo(() => matching(files, filter), [files, filter]);
  const at = shown.findIndex(({ path }) => path === current);
  const { viewed, all } = progress(files);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = stepOf(event.key, at, shown.length);
    const file = next === null ? undefined : shown[next];
    if (file) onOpen(file.path);
    else if (event.key === ' ' && shown[at]) onViewed(shown[at]);
    else return;
    event.preventDefault();
  };

  return (
    <section aria-label="Changed files" className="flex h-full min-h-0 flex-col bg-bg">
      <div className="flex flex-col gap-1.5 border-b p-2">
        <input
          type="search"
          aria-label="Filter files"
          placeholder="Filter files"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          className={cx(INPUT_CLASS, 'h-7')}
        />
        <div className="flex items-center gap-2 text-xs text-muted" role="status">
          <progress
            aria-label="Files viewed"
            max={Math.max(1, all)}
            value={viewed}
            className="h-1 flex-1 accent-accent-solid"
          />
          {viewed} of {all} viewed
        </div>
      </div>
      {shown.length === 0 ? (
        <p className="p-3 text-muted">
          {files.length === 0 ? 'Nothing has changed.' : 'No file is called so.'}
        </p>
      ) : (
        <VirtualRows
          role="listbox"
          aria-label="Files"
          tabIndex={0}
          aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
          onKeyDown={onKeyDown}
          className="min-h-0 flex-1 py-1 focus-visible:outline-offset-[-2px]"
          count={shown.length}
          rowPx={ROW_PX}
          current={at}
          row={(index) => {
            const file = shown[index];
            return file ? (
              <FileRow
                key={file.path}
                id={`${id}-${index}`}
                file={file}
                index={index}
                of={shown.length}
                current={index === at}
                onOpen={() => onOpen(file.path)}
                onViewed={() => onViewed(file)}
              />
            ) : null;
          }}
        />
      )}
    </section>
  );
}

function stepOf(key: string, at: number, length: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return Math.min(at + 1, length - 1);
    case 'ArrowUp':
      return Math.max(at - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return length - 1;
    case 'PageDown':
      return Math.min(at + 10, length - 1);
    case 'PageUp':
      return Math.max(at - 10, 0);
    default:
      return null;
  }
}

const STATUS_LOOKS: Record<ListedFile['status'], { letter: string; look: string }> = {
  added: { letter: 'A', look: 'text-ok' },
  modified: { letter: 'M', look: 'text-warn' },
  deleted: { letter: 'D', look: 'text-danger' },
  renamed: { letter: 'R', look: 'text-info' },
  mode: { letter: 'X', look: 'text-info' },
  unchanged: { letter: '·', look: 'text-faint' },
};

interface FileRowProps {
  id: string;
  file: ListedFile;
  index: number;
  of: number;
  current: boolean;
  onOpen: () => void;
  onViewed: () => void;
}

function FileRow({ id, file, index, of, current, onOpen, onViewed }: FileRowProps) {
  const name = displayName(baseName(file.path));
  const folder = displayName(parentOf(file.path));
  const { letter, look } = STATUS_LOOKS[file.status];
  const said = file.threads > 0 ? `, ${count(file.threads, 'thread')}, ${file.open} open` : '';
  const words =
    file.status === 'unchanged' ? STATUS_WORDS.unchanged : changeWords({ ...file, status: file.status });
  // In one piece: browsers put a space between pieces.
  const spoken = `${displayName(file.path)}, ${words}${said}${file.viewed ? ', viewed' : ''}`;
  return (
    <div
      id={id}
      role="option"
      aria-selected={current}
      aria-setsize={of}
      aria-posinset={index + 1}
      title={`${displayName(file.path)}\n${words}`}
      data-file={file.path}
      onClick={onOpen}
      style={{ height: ROW_PX }}
      className={cx(
        'flex cursor-pointer items-center gap-1.5 pr-2 pl-2 select-none',
        current ? 'bg-selected' : 'hover:bg-hover',
        file.viewed && 'text-muted',
      )}
    >
      <span aria-hidden className={cx('w-3 shrink-0 text-center font-mono text-2xs font-bold', look)}>
        {letter}
      </span>
      <span className="sr-only">{spoken}</span>
      <FileIcon name={name} />
      <span
        aria-hidden
        className={cx('shrink-0 max-w-[75%] truncate', file.status === 'deleted' && 'line-through')}
      >
        {name}
      </span>
      <span aria-hidden className="min-w-0 flex-1 truncate text-2xs text-muted">
        {folder}
      </span>
      {file.threads > 0 ? (
        <span
          aria-hidden
          className={cx('flex items-center gap-0.5 text-2xs', file.open > 0 ? 'text-warn' : 'text-ok')}
        >
          <MessageSquare className="size-3" />
          {file.threads}
        </span>
      ) : null}
      {file.status === 'unchanged' ? null : (
        <span
          aria-hidden
          title={file.viewed ? 'Viewed (v)' : 'Mark as viewed (v)'}
          onClick={(event) => {
            event.stopPropagation();
            onViewed();
          }}
          className={cx(
            'flex size-4 shrink-0 items-center justify-center rounded border',
            file.viewed ? 'border-ok text-ok' : 'border-line-strong text-transparent hover:text-faint',
          )}
        >
          <Check className="size-3" />
        </span>
      )}
    </div>
  );
}
