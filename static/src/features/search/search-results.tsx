/** What was found, file by file, as a tree for the keyboard. */
'use client';

import { ChevronRight, X } from 'lucide-react';
import { useRef, useState, type KeyboardEvent } from 'react';
import { FileIcon } from '@/components/file-icon';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { baseName, displayName, parentOf } from '@/lib/paths';
import { parts, rowsOf, step, type ResultRow } from './result-rows';
import type { SearchState } from './search-store';

interface SearchResultsProps {
  state: SearchState;
  onEscape: () => void;
}

export function SearchResults({ state, onEscape }: SearchResultsProps) {
  const workspace = useWorkspace();
  const { search } = workspace.services;
  const tree = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(null);
  const rows = rowsOf(state);
  if (rows.length === 0) return null;
  const at = Math.max(
    0,
    rows.findIndex(({ key }) => key === current),
  );

  const focus = (index: number): void => {
    const row = rows[index];
    if (!row) return;
    setCurrent(row.key);
    tree.current?.querySelectorAll<HTMLElement>('[role="treeitem"]')[index]?.focus();
  };

  const open = (row: ResultRow, keyboard: boolean): void => {
    if (row.kind === 'file') return search.toggle(row.path);
    const { path, line, column, length } = row.match;
    workspace.services.reveal.set({ path, line, column, length });
    workspace.open(path, keyboard);
  };

  const dismiss = (row: ResultRow): void => {
    const heir =
      rows.slice(at).find(({ path }) => path !== row.path) ?? rows.findLast(({ path }) => path !== row.path);
    search.dismiss(row.path);
    if (heir) {
      setCurrent(heir.key);
      requestAnimationFrame(() =>
        tree.current?.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus(),
      );
    } else onEscape();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[at];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = step(rows, at, event.key);
    if (event.key === 'ArrowUp' && at === 0) onEscape();
    else if (next !== null) focus(next);
    else if (event.key === 'Enter') open(row, row.kind === 'match');
    else if (event.key === ' ') open(row, false);
    else if (event.key === 'ArrowRight' && row.kind === 'file') search.toggle(row.path, true);
    else if (event.key === 'ArrowLeft' && row.kind === 'file') search.toggle(row.path, false);
    else if (event.key === 'ArrowLeft') focus(rows.findIndex(({ key }) => key === row.path));
    else if (event.key === 'Delete') dismiss(row);
    else if (event.key === 'Escape') onEscape();
    else return;
    event.preventDefault();
  };

  return (
    <div ref={tree} role="tree" aria-label="Found" onKeyDown={onKeyDown} className="pb-2">
      {rows.map((row, index) => (
        <Row
          key={row.key}
          row={row}
          tabbable={index === at}
          onFocus={() => setCurrent(row.key)}
          onOpen={() => open(row, false)}
          onDismiss={() => dismiss(row)}
        />
      ))}
    </div>
  );
}

interface RowProps {
  row: ResultRow;
  tabbable: boolean;
  onFocus: () => void;
  onOpen: () => void;
  onDismiss: () => void;
}

const ROW =
  'flex h-6 cursor-pointer items-center gap-1.5 pr-2 text-xs [contain-intrinsic-size:auto_24px] [content-visibility:auto] select-none hover:bg-hover focus-visible:outline-offset-[-2px] focus:bg-selected';

function Row({ row, tabbable, onFocus, onOpen, onDismiss }: RowProps) {
  const props = {
    role: 'treeitem',
    tabIndex: tabbable ? 0 : -1,
    onFocus,
    onClick: onOpen,
    'aria-selected': false,
  } as const;
  if (row.kind === 'match') {
    const [before, match, after] = parts(row.match);
    return (
      <div {...props} aria-level={2} title={`Line ${row.match.line}`} className={cx(ROW, 'pl-8')}>
        <span className="sr-only">{`Line ${row.match.line}: ${displayName(row.match.text.trim())}`}</span>
        <span aria-hidden className="truncate whitespace-pre">
          <span className="text-muted">{displayName(before)}</span>
          <mark className="rounded-xs bg-accent/25 text-fg">{displayName(match)}</mark>
          <span className="text-muted">{displayName(after)}</span>
        </span>
      </div>
    );
  }
  const name = displayName(baseName(row.path));
  const folder = displayName(parentOf(row.path));
  const count = `${row.count} ${row.count === 1 ? 'match' : 'matches'}`;
  // In one piece: browsers put a space between pieces.
  const spoken = folder === '' ? `${name}, ${count}` : `${name}, ${folder}, ${count}`;
  return (
    <div
      {...props}
      aria-level={1}
      aria-expanded={row.open}
      title={displayName(row.path)}
      className={cx(ROW, 'group pl-1.5')}
    >
      <ChevronRight aria-hidden className={cx('size-3.5 shrink-0 text-faint', row.open && 'rotate-90')} />
      <FileIcon name={name} />
      <span aria-hidden className="truncate">
        {name}
      </span>
      <span className="sr-only">{spoken}</span>
      <span aria-hidden className="min-w-0 flex-1 truncate text-2xs text-faint">
        {folder}
      </span>
      <span aria-hidden className="shrink-0 rounded-full bg-hover px-1.5 text-2xs text-muted tabular-nums">
        {row.count}
      </span>
      <span
        aria-hidden
        title="Take off the list (Delete)"
        onClick={(event) => {
          event.stopPropagation();
          onDismiss();
        }}
        className="hidden shrink-0 rounded hover:bg-hover group-hover:block"
      >
        <X className="size-3.5" />
      </span>
    </div>
  );
}
