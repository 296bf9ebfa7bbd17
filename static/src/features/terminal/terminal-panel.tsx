/** The lower panel: terminal tabs while the session runs, its state while it does not. */
'use client';

import { Plus, SquareTerminal, X } from 'lucide-react';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import { messageOf } from '@/api/problem';
import type { Terminal } from '@/api/types';
import { Button, IconButton } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Empty, Loading } from '@/components/states';
import { useToast } from '@/components/toasts';
import { SessionStatus } from '@/features/session/session-status';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { TerminalView } from './terminal-view';

export function TerminalPanel() {
  const { session, terminals } = useWorkspace();
  const { state } = useStore(session);
  const { items, active, known, opening, problem } = useStore(terminals.state);
  const ready = state === 'ready';

  return (
    <section aria-label="Terminals" data-panel-kind="terminal" className="flex h-full min-h-0 flex-col bg-bg">
      <header className="flex h-8 shrink-0 items-center border-b pr-1.5">
        {ready && items.length > 0 ? (
          <TerminalTabs items={items} active={active} />
        ) : (
          <h2 className="flex-1 pl-3 text-xs font-semibold text-muted">Terminal</h2>
        )}
        {ready ? (
          <IconButton label="New terminal" disabled={opening} onClick={() => void terminals.open()}>
            <Plus />
          </IconButton>
        ) : null}
      </header>
      <div className="relative min-h-0 flex-1 bg-[#fbfbfc] dark:bg-[#0a0c0e]">
        {!ready ? (
          <SessionStatus />
        ) : items.length > 0 ? (
          items.map((item) => <TerminalView key={item.id} terminal={item} visible={item.id === active} />)
        ) : opening || !known ? (
          <Loading>Opening a terminal…</Loading>
        ) : (
          <Empty
            icon={<SquareTerminal aria-hidden />}
            title={problem ? 'No terminal could be opened' : 'No terminal is open'}
            actions={<Button onClick={() => void terminals.open()}>Open a terminal</Button>}
          >
            {problem}
          </Empty>
        )}
      </div>
    </section>
  );
}

function TerminalTabs({ items, active }: { items: readonly Terminal[]; active: string | null }) {
  const { terminals } = useWorkspace();
  const confirm = useConfirm();
  const toast = useToast();
  const list = useRef<HTMLDivElement>(null);

  const close = async (terminal: Terminal): Promise<void> => {
    const yes =
      terminal.exit ||
      (await confirm({
        title: `Close “${displayName(terminal.name)}”?`,
        text: 'The programs running in it are ended.',
        yes: 'Close terminal',
        danger: true,
      }));
    if (!yes) return;
    await terminals.close(terminal.id).catch((error: unknown) => toast(messageOf(error), 'danger'));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const index = items.findIndex((item) => item.id === active);
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const now = items[index];
    if (step !== 0) {
      const next = items[(index + step + items.length) % items.length];
      if (next) terminals.activate(next.id);
      requestAnimationFrame(() =>
        list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus(),
      );
    } else if (event.key === 'Delete' && now) void close(now);
    else if (event.key === 'Enter') terminals.focusActive();
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={list}
      role="tablist"
      aria-label="Terminals"
      onKeyDown={onKeyDown}
      className="flex h-full min-w-0 flex-1 overflow-x-auto [scrollbar-width:none]"
    >
      {items.map((item) => (
        <TerminalTab
          key={item.id}
          terminal={item}
          active={item.id === active}
          onOpen={() => {
            terminals.activate(item.id);
            requestAnimationFrame(() => terminals.focusActive());
          }}
          onClose={() => void close(item)}
        />
      ))}
    </div>
  );
}

interface TerminalTabProps {
  terminal: Terminal;
  active: boolean;
  onOpen: () => void;
  onClose: () => void;
}

function TerminalTab({ terminal, active, onOpen, onClose }: TerminalTabProps) {
  const element = useRef<HTMLDivElement>(null);
  const { exit } = terminal;
  const code = exit ? (exit.code ?? (exit.signal != null ? `SIG ${exit.signal}` : '?')) : null;
  const name = displayName(terminal.name);

  useEffect(() => {
    if (active) element.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [active]);

  return (
    <div
      ref={element}
      role="tab"
      tabIndex={active ? 0 : -1}
      aria-selected={active}
      aria-label={code === null ? name : `${name}, exited with ${code}`}
      onClick={onOpen}
      onAuxClick={(event) => event.button === 1 && onClose()}
      className={cx(
        'group relative flex max-w-48 shrink-0 cursor-pointer items-center gap-1.5 pr-1 pl-3 text-xs select-none focus-visible:outline-offset-[-2px]',
        active
          ? 'text-fg after:absolute after:inset-x-2 after:bottom-0 after:h-0.5 after:rounded after:bg-accent'
          : 'text-muted hover:text-fg',
      )}
    >
      <SquareTerminal aria-hidden className="size-3.5 shrink-0 text-faint" />
      <span className="truncate">{name}</span>
      {code !== null ? (
        <span
          className={cx(
            'rounded px-1 text-2xs font-medium tabular-nums ring-1 ring-inset',
            code === 0 ? 'text-faint ring-line-strong' : 'text-danger ring-danger/50',
          )}
        >
          {code}
        </span>
      ) : null}
      <span
        aria-hidden
        title="Close (Delete)"
        onClick={(event) => {
          event.stopPropagation();
          onClose();
        }}
        className={cx(
          'inline-flex size-5 items-center justify-center rounded hover:bg-hover',
          active ? '' : 'opacity-0 group-hover:opacity-100',
        )}
      >
        <X className="size-3.5" />
      </span>
    </div>
  );
}
