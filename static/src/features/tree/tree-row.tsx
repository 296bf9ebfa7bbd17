/** One row of the tree. */
'use client';

import type { ItemInstance } from '@headless-tree/core';
import { ChevronRight, CornerDownRight, Folder, FolderOpen } from 'lucide-react';
import type { Item } from '@/api/types';
import { FileIcon } from '@/components/file-icon';
import { cx } from '@/lib/cx';
import { formatBytes } from '@/lib/format';

/** Indentation of one level. */
export const LEVEL_PX = 12;

/** Space left of the first level. */
export const LEFT_PX = 6;

interface TreeRowProps {
  item: ItemInstance<Item>;
  data: Item | undefined;
  /** Whether it is the file in front. */
  open: boolean;
}

export function TreeRow({ item, data, open }: TreeRowProps) {
  const folder = item.isFolder();
  const expanded = folder && item.isExpanded();
  const name = item.getItemName();
  const title = data?.kind === 'file' ? `${name} · ${formatBytes(data.size)}` : name;
  return (
    <div
      {...item.getProps()}
      data-path={item.getId()}
      title={data?.kind === 'symlink' ? `${name} → ${data.target ?? '?'}` : title}
      style={{ paddingLeft: LEFT_PX + item.getItemMeta().level * LEVEL_PX }}
      className={cx(
        'flex h-6 cursor-pointer items-center gap-1.5 pr-2 [contain-intrinsic-size:auto_24px] [content-visibility:auto] select-none focus-visible:outline-offset-[-2px]',
        open ? 'bg-selected text-fg' : 'text-fg hover:bg-hover',
        item.isDragTarget() && folder && 'ring-1 ring-accent ring-inset',
      )}
    >
      <ChevronRight
        aria-hidden
        className={cx(
          'size-3.5 shrink-0 text-faint transition-transform',
          expanded && 'rotate-90',
          !folder && 'invisible',
        )}
      />
      {folder ? (
        expanded ? (
          <FolderOpen aria-hidden className="size-3.5 shrink-0 text-muted" />
        ) : (
          <Folder aria-hidden className="size-3.5 shrink-0 text-muted" />
        )
      ) : (
        <FileIcon name={name} />
      )}
      <span className={cx('truncate', data?.executable && 'text-ok')}>{name}</span>
      {data?.kind === 'symlink' ? (
        <CornerDownRight aria-hidden className="size-3 shrink-0 text-faint" />
      ) : null}
    </div>
  );
}
