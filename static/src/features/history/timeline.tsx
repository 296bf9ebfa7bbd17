/**
 * Versions by day. One is selected with the arrows or a click, a second beside it with Space or Ctrl and a click:
 * then those two are compared.
 */
'use client';

import {
  ArrowLeftRight,
  FilePen,
  FilePlus2,
  FileX2,
  RotateCcw,
  SquareTerminal,
  Upload,
  type LucideIcon,
} from 'lucide-react';
import { Fragment, useEffect, useRef, type KeyboardEvent, type MouseEvent } from 'react';
import type { Version } from '@/api/types';
import { cx } from '@/lib/cx';
import { formatBytes, formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { byDay, changeWords, clockOf } from './version-words';

interface TimelineProps {
  label: string;
  versions: readonly Version[];
  /** One or two ids. */
  selected: readonly number[];
  /** Whether rows name their path: they are about several. */
  paths: boolean;
  onSelect: (version: Version) => void;
  /** For comparing with the one that is selected; absent where that makes no sense. */
  onSecond?: (version: Version) => void;
}

function iconOf({ change, origin }: Version): LucideIcon {
  if (origin === 'restore') return RotateCcw;
  if (change === 'removed') return FileX2;
  if (change === 'moved_here' || change === 'moved_away') return ArrowLeftRight;
  if (origin === 'upload') return Upload;
  if (origin === 'terminal') return SquareTerminal;
  return change === 'created' ? FilePlus2 : FilePen;
}

export function Timeline({ label, versions, selected, paths, onSelect, onSecond }: TimelineProps) {
  const list = useRef<HTMLDivElement>(null);
  const focused = selected.at(-1) ?? versions[0]?.id;

  const step = (key: string, at: number): number => {
    if (key === 'ArrowDown') return Math.min(at + 1, versions.length - 1);
    if (key === 'ArrowUp') return Math.max(at - 1, 0);
    if (key === 'Home') return 0;
    return key === 'End' ? versions.length - 1 : -1;
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const at = versions.findIndex(({ id }) => `${id}` === rowId(event.target));
    const version = versions[at];
    if (!version || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = versions[step(event.key, at)];
    if (event.key === ' ' && onSecond) onSecond(version);
    else if (event.key === 'Enter') onSelect(version);
    else if (next) {
      // With Shift only the focus moves, to a second one for Space.
      list.current?.querySelector<HTMLElement>(`[data-version="${next.id}"]`)?.focus();
      if (!event.shiftKey) onSelect(next);
    } else return;
    event.preventDefault();
  };

  const onClick = (event: MouseEvent, version: Version): void => {
    if ((event.ctrlKey || event.metaKey || event.shiftKey) && onSecond) onSecond(version);
    else onSelect(version);
  };

  return (
    <div ref={list} role="listbox" aria-label={label} aria-multiselectable="true" onKeyDown={onKeyDown}>
      {byDay(versions).map((day) => (
        <Fragment key={day.label}>
          <h3
            role="presentation"
            className="sticky top-0 z-10 border-b bg-bg px-3 py-1 text-xs font-semibold text-muted"
          >
            {day.label}
          </h3>
          {day.versions.map((version) => (
            <Row
              key={version.id}
              version={version}
              selected={selected.includes(version.id)}
              focusable={version.id === focused}
              path={paths}
              onClick={(event) => onClick(event, version)}
            />
          ))}
        </Fragment>
      ))}
    </div>
  );
}

interface RowProps {
  version: Version;
  selected: boolean;
  focusable: boolean;
  path: boolean;
  onClick: (event: MouseEvent) => void;
}

function Row({ version, selected, focusable, path, onClick }: RowProps) {
  const row = useRef<HTMLDivElement>(null);
  const Icon = iconOf(version);
  const who = version.user ? displayName(version.user.display_name) : null;
  useEffect(() => {
    if (selected) row.current?.scrollIntoView({ block: 'nearest' });
  }, [selected]);
  return (
    <div
      ref={row}
      role="option"
      aria-selected={selected}
      tabIndex={focusable ? 0 : -1}
      data-version={version.id}
      title={formatTime(version.at)}
      onClick={onClick}
      className={cx(
        'flex cursor-pointer items-start gap-2 border-b border-l-2 px-3 py-1.5 select-none focus-visible:outline-offset-[-2px]',
        selected ? 'border-l-accent bg-selected' : 'border-l-transparent hover:bg-hover',
      )}
    >
      <Icon aria-hidden className="mt-0.5 size-3.5 shrink-0 text-faint" />
      <span className="min-w-0 flex-1">
        {path ? <span className="block truncate font-medium">{displayName(version.path)}</span> : null}
        <span className="block truncate text-muted">
          {changeWords(version)}
          {who ? <span> · {who}</span> : null}
        </span>
      </span>
      <span className="shrink-0 text-right text-xs text-muted tabular-nums">
        <time dateTime={version.at} className="block leading-5">
          {clockOf(version.at)}
        </time>
        {version.kind === 'file' ? <span className="block">{formatBytes(version.size)}</span> : null}
      </span>
    </div>
  );
}

function rowId(target: EventTarget): string | null {
  return target instanceof Element
    ? (target.closest('[data-version]')?.getAttribute('data-version') ?? null)
    : null;
}
