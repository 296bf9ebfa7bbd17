/** One row of the tree. */
'use client';

import type { ItemInstance } from '@headless-tree/core';
import { ChevronRight, CornerDownRight, Folder, FolderOpen } from 'lucide-react';
import type { MouseEvent } from 'react';
import type { UnkeptItem } from '@/api/types';
import type { Item } from '@/api/types';
import { FileIcon } from '@/components/file-icon';
import { cx } from '@/lib/cx';
import { formatBytes } from '@/lib/format';
import { markText, markWord } from './unkept';

/** Indentation of one level. */
export const LEVEL_PX = 12;

/** Space left of the first level. */
export const LEFT_PX = 6;

interface TreeRowProps {
  item: ItemInstance<Item>;
  data: Item | undefined;
  /** Whether it is the file in front. */
  open: boolean;
  selected: boolean;
  /** About to be moved: it waits for its new place. */
  cut: boolean;
  /** Whether files held over it would go into this folder. */
  target: boolean;
  mark: UnkeptItem | undefined;
  onClick: (event: MouseEvent) => void;
}

export function TreeRow({ item, data, open, selected, cut, target, mark, onClick }: TreeRowProps) {
  const kind = data?.kind;
  const folder = kind === 'folder';
  const expanded = item.isFolder() && item.isExpanded();
  const name = item.getItemName();
  return (
    <div
      {...item.getProps()}
      onClick={onClick}
      data-path={item.getId()}
      data-cut={cut || undefined}
      // What it says is its name then, the mark included.
      {...(mark ? { 'aria-label': undefined } : {})}
      title={mark ? markText(mark) : titleOf(name, data)}
      style={{ paddingLeft: LEFT_PX + item.getItemMeta().level * LEVEL_PX }}
      className={cx(
        'relative flex h-6 cursor-pointer items-center gap-1.5 pr-2 text-fg [contain-intrinsic-size:auto_24px] [content-visibility:auto] select-none focus-visible:outline-offset-[-2px]',
        selected ? 'bg-selected' : open ? 'bg-hover' : 'hover:bg-hover',
        open && 'before:absolute before:inset-y-0 before:left-0 before:w-0.5 before:bg-accent',
        (target || item.isDragTarget()) && item.isFolder() && 'bg-selected ring-1 ring-accent ring-inset',
      )}
    >
      <ChevronRight
        aria-hidden
        className={cx(
          'size-3.5 shrink-0 text-faint transition-transform',
          expanded && 'rotate-90',
          !item.isFolder() && 'invisible',
        )}
      />
      <span className={cx('flex min-w-0 flex-1 items-center gap-1.5', cut && 'opacity-50')}>
        {folder ? (
          expanded ? (
            <FolderOpen aria-hidden className="size-3.5 shrink-0 text-muted" />
          ) : (
            <Folder aria-hidden className="size-3.5 shrink-0 text-muted" />
          )
        ) : (
          <FileIcon name={name} />
        )}
        <span
          aria-hidden={mark ? true : undefined}
          className={cx('truncate', data?.executable && 'text-ok', mark && 'text-faint italic')}
        >
          {name}
        </span>
        {kind === 'symlink' ? <CornerDownRight aria-hidden className="size-3 shrink-0 text-faint" /> : null}
      </span>
      {mark ? (
        <>
          <span className="sr-only">{markText(mark)}</span>
          <span
            aria-hidden
            className={cx(
              'shrink-0 text-2xs',
              markWord(mark) === 'not saved' ? 'font-medium text-danger' : 'text-faint',
            )}
          >
            {markWord(mark)}
          </span>
        </>
      ) : null}
    </div>
  );
}

function titleOf(name: string, data: Item | undefined): string {
  if (data?.kind === 'symlink') return `${name} → ${data.target ?? '?'}`;
  return data?.kind === 'file' ? `${name} · ${formatBytes(data.size)}` : name;
}
