/**
 * A row of tabs: arrows, Home and End move, Delete closes, F2 renames, Enter goes on to what the tab shows.
 *
 * What a tab looks like inside is its owner's business. Its closing cross is for the pointer only: a button inside
 * a tab would hide the tab from assistive technology, and the keyboard has Delete.
 */
'use client';

import { X } from 'lucide-react';
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react';
import { cx } from '@/lib/cx';
import { ContextMenu, type MenuEntry } from './menu';

export interface TabItem {
  key: string;
  /** Spoken, where the content alone does not say it. */
  label?: string;
  title?: string;
  /** Icon, name, badges. */
  content: ReactNode;
  /** Stands in the place of the cross until the pointer comes. */
  mark?: ReactNode;
  menu?: readonly MenuEntry[];
}

interface TabStripProps {
  label: string;
  items: readonly TabItem[];
  active: string | null;
  /** `file`: tabs stand on what they show; `plain`: a line below the one in front. */
  look: 'file' | 'plain';
  className?: string;
  onActivate: (key: string) => void;
  onClose: (key: string) => void;
  /** Enter, or a click of the pointer. */
  onEnter?: (key: string) => void;
  /** F2, or a double click. The tab carries its key as `data-key`, for who wants to type the name in its place. */
  onRename?: (key: string) => void;
}

export function TabStrip({ label, items, active, look, className, ...on }: TabStripProps) {
  const list = useRef<HTMLDivElement>(null);

  const step = (key: string): number | null => {
    const index = items.findIndex((item) => item.key === active);
    const { length } = items;
    switch (key) {
      case 'ArrowRight':
        return (index + 1) % length;
      case 'ArrowLeft':
        return (index - 1 + length) % length;
      case 'Home':
        return 0;
      case 'End':
        return length - 1;
      default:
        return null;
    }
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const index = step(event.key);
    const next = index === null ? undefined : items[index];
    if (next) {
      on.onActivate(next.key);
      requestAnimationFrame(() =>
        list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus(),
      );
    } else if (active === null) return;
    else if (event.key === 'Delete') on.onClose(active);
    else if (event.key === 'Enter' && on.onEnter) on.onEnter(active);
    else if (event.key === 'F2' && on.onRename) on.onRename(active);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={list}
      role="tablist"
      aria-label={label}
      onKeyDown={onKeyDown}
      className={cx('flex min-w-0 overflow-x-auto [scrollbar-width:none]', className)}
    >
      {items.map((item) => (
        <Tab key={item.key} item={item} active={item.key === active} look={look} {...on} />
      ))}
    </div>
  );
}

type TabProps = Pick<TabStripProps, 'look' | 'onActivate' | 'onClose' | 'onEnter' | 'onRename'> & {
  item: TabItem;
  active: boolean;
};

const ACTIVE = {
  file: 'bg-panel text-fg after:absolute after:inset-x-0 after:top-0 after:h-0.5 after:bg-accent',
  plain: 'text-fg after:absolute after:inset-x-2 after:bottom-0 after:h-0.5 after:rounded after:bg-accent',
} as const;

function Tab({ item, active, look, onActivate, onClose, onEnter, onRename }: TabProps) {
  const element = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (active) element.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [active]);

  const tab = (
    <div
      ref={element}
      role="tab"
      data-key={item.key}
      tabIndex={active ? 0 : -1}
      aria-selected={active}
      aria-label={item.label}
      title={item.title}
      onClick={() => {
        onActivate(item.key);
        onEnter?.(item.key);
      }}
      onDoubleClick={() => onRename?.(item.key)}
      onAuxClick={(event) => event.button === 1 && onClose(item.key)}
      className={cx(
        'group relative flex shrink-0 cursor-pointer items-center gap-1.5 pr-1.5 pl-3 select-none focus-visible:outline-offset-[-2px]',
        look === 'file' ? 'max-w-56 border-r' : 'max-w-64 text-xs',
        active ? ACTIVE[look] : 'text-muted hover:bg-hover hover:text-fg',
      )}
    >
      {item.content}
      <span
        aria-hidden
        title="Close (Delete)"
        onClick={(event) => {
          event.stopPropagation();
          onClose(item.key);
        }}
        onDoubleClick={(event) => event.stopPropagation()}
        className="relative inline-flex size-5 shrink-0 items-center justify-center rounded hover:bg-hover"
      >
        {item.mark ? <span className="group-hover:hidden">{item.mark}</span> : null}
        <X
          className={cx(
            'size-3.5',
            item.mark ? 'hidden group-hover:block' : active ? '' : 'opacity-0 group-hover:opacity-100',
          )}
        />
      </span>
    </div>
  );
  return item.menu ? (
    <ContextMenu entries={item.menu} keepFocus>
      {tab}
    </ContextMenu>
  ) : (
    tab
  );
}
