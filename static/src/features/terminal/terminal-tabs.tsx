/** One tab for each terminal, or for several that share one; their names can be typed in place. */
'use client';

import { Columns2, Rows2, SquareTerminal } from 'lucide-react';
import { Fragment, useRef, useState } from 'react';
import type { Terminal } from '@/api/types';
import { RenameInput } from '@/components/rename-input';
import { TabStrip, type TabItem } from '@/components/tab-strip';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { displayName } from '@/lib/paths';
import { ExitBadge } from './exit-badge';
import type { Layout, TerminalTab } from './terminal-layout';
import { LONGEST_NAME, terminalNameProblem } from './terminal-name';
import { useTerminalActions } from './use-terminal-actions';

/** A field narrower than this shows too little of a name. */
const LEAST_FIELD_PX = 120;

interface Renaming {
  terminal: Terminal;
  left: number;
  width: number;
}

export function TerminalTabs({ items, layout }: { items: readonly Terminal[]; layout: Layout }) {
  const { terminals } = useWorkspace();
  const actions = useTerminalActions();
  const box = useRef<HTMLDivElement>(null);
  const [renaming, setRenaming] = useState<Renaming | null>(null);

  const find = (id: string): Terminal | undefined => items.find((item) => item.id === id);
  const tabWith = (key: string): TerminalTab | undefined => layout.tabs.find((tab) => tab.key === key);
  const tabElement = (key: string): HTMLElement | null =>
    box.current?.querySelector<HTMLElement>(`[data-key="${key}"]`) ?? null;

  const startRename = (key: string): void => {
    const terminal = find(tabWith(key)?.active ?? '');
    const tab = tabElement(key)?.getBoundingClientRect();
    const room = box.current?.getBoundingClientRect();
    if (!terminal || !tab || !room) return;
    const width = Math.min(Math.max(tab.width - 4, LEAST_FIELD_PX), room.width);
    const left = Math.min(Math.max(0, tab.left - room.left + 2), room.width - width);
    setRenaming({ terminal, left, width });
  };

  const enter = (key: string): void => {
    const tab = tabWith(key);
    if (tab) terminals.activate(tab.active);
    requestAnimationFrame(() => terminals.focusActive());
  };

  return (
    <div ref={box} className="relative flex h-full min-w-0 shrink">
      <TabStrip
        label="Terminals"
        look="plain"
        className="h-full"
        items={layout.tabs.map((tab) => ({
          ...tabItem(
            tab,
            tab.panes.flatMap((pane) => find(pane.id) ?? []),
          ),
          menu: actions.menu(tab, tab.active, () => startRename(tab.key)),
        }))}
        active={layout.front}
        onActivate={(key) => terminals.activate(tabWith(key)?.active ?? '')}
        onClose={(key) =>
          void actions.close(tabWith(key)?.panes.flatMap((pane) => find(pane.id) ?? []) ?? [])
        }
        onEnter={enter}
        onRename={startRename}
      />
      {renaming ? (
        <RenameInput
          key={renaming.terminal.id}
          className="absolute top-1"
          style={{ left: renaming.left, width: renaming.width }}
          initial={renaming.terminal.name}
          label={`New name for ${displayName(renaming.terminal.name)}`}
          maxLength={LONGEST_NAME}
          clean={(name) => name.trim()}
          check={terminalNameProblem}
          submit={(name) => actions.rename(renaming.terminal.id, name)}
          onDone={({ keyboard }) => {
            setRenaming(null);
            if (keyboard) tabElement(layout.front ?? '')?.focus();
          }}
        />
      ) : null}
    </div>
  );
}

function tabItem(tab: TerminalTab, shown: readonly Terminal[]): TabItem {
  const front = shown.find((terminal) => terminal.id === tab.active) ?? shown[0];
  const names = shown.map((terminal) => displayName(terminal.name));
  const ended = shown.length === 1 ? front?.exit : undefined;
  const Icon = shown.length < 2 ? SquareTerminal : tab.direction === 'row' ? Columns2 : Rows2;
  return {
    key: tab.key,
    title: names.join(' | '),
    content: (
      <>
        <Icon aria-hidden className="size-3.5 shrink-0 text-faint" />
        <span className="truncate">
          {names.map((name, index) => (
            <Fragment key={index}>
              {index > 0 ? (
                <>
                  <span aria-hidden> | </span>
                  <span className="sr-only"> and </span>
                </>
              ) : null}
              {name}
            </Fragment>
          ))}
        </span>
        {ended ? (
          <>
            <span className="sr-only">, exited with {ended.code ?? `signal ${ended.signal ?? '?'}`}</span>
            <ExitBadge exit={ended} />
          </>
        ) : null}
      </>
    ),
  };
}
