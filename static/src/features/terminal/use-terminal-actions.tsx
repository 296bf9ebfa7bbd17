/** What one can do with terminals: close them, rename them, and the entries of their menus. */
'use client';

import {
  AppWindow,
  Columns2,
  PanelRight,
  PencilLine,
  Rows2,
  SquareSplitHorizontal,
  SquareSplitVertical,
  X,
} from 'lucide-react';
import { useMemo } from 'react';
import { messageOf } from '@/api/problem';
import type { Terminal } from '@/api/types';
import { useConfirm } from '@/components/confirm';
import type { MenuEntry } from '@/components/menu';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { displayName } from '@/lib/paths';
import { MOST_PANES, separate, turn, type TerminalTab } from './terminal-layout';
import type { Placement } from './terminal-set';

export interface TerminalActions {
  /** Opens one more; says so when that does not work. */
  open: (placement?: Placement) => Promise<void>;
  /** Asks first when something still runs in one of them. */
  close: (closing: readonly Terminal[]) => Promise<void>;
  /** Resolves to why the name was refused, or `null`. */
  rename: (id: string, name: string) => Promise<string | null>;
  /** For the tab, about its terminal `id`. */
  menu: (tab: TerminalTab, id: string, onRename: () => void) => MenuEntry[];
}

export function useTerminalActions(): TerminalActions {
  const { terminals } = useWorkspace();
  const confirm = useConfirm();
  const toast = useToast();

  return useMemo<TerminalActions>(() => {
    const open = async (placement: Placement = null): Promise<void> => {
      if ((await terminals.openFocused(placement)) !== null) return;
      const { problem, items } = terminals.state.get();
      // Where there is no terminal, the panel itself says why.
      if (problem !== null && items.length > 0) toast(problem, 'danger');
    };

    const close = async (closing: readonly Terminal[]): Promise<void> => {
      const [first] = closing;
      if (!first) return;
      const running = closing.some((terminal) => !terminal.exit);
      const yes =
        !running ||
        (await confirm({
          title:
            closing.length === 1
              ? `Close “${displayName(first.name)}”?`
              : `Close these ${closing.length} terminals?`,
          text:
            closing.length === 1
              ? 'The programs running in it are ended.'
              : 'The programs running in them are ended.',
          yes: closing.length === 1 ? 'Close terminal' : 'Close terminals',
          danger: true,
        }));
      if (!yes) return;
      const work = closing.map((terminal) => terminals.close(terminal.id));
      await Promise.all(work).catch((error: unknown) => toast(messageOf(error), 'danger'));
      requestAnimationFrame(() => terminals.focusActive());
    };

    const rename = (id: string, name: string): Promise<string | null> =>
      terminals.rename(id, name).then(() => null, messageOf);

    const menu = (tab: TerminalTab, id: string, onRename: () => void): MenuEntry[] => {
      const { items, layout } = terminals.state.get();
      const split = tab.panes.length > 1;
      const full = tab.panes.length >= MOST_PANES;
      const shown = tab.panes.flatMap((pane) => items.find((item) => item.id === pane.id) ?? []);
      const self = shown.filter((item) => item.id === id);
      const other = layout.tabs.find((candidate) => candidate !== tab && candidate.panes.length < MOST_PANES);
      const turned = tab.direction === 'row' ? 'column' : 'row';
      const beside = (direction: 'row' | 'column') => () => void open({ beside: id, direction });
      return [
        { label: 'Rename…', keys: 'F2', icon: <PencilLine />, onSelect: onRename },
        'line',
        {
          label: 'Split to the right',
          ...(tab.direction === 'row' ? { keys: 'Ctrl Shift 5' } : {}),
          icon: <SquareSplitHorizontal />,
          disabled: full,
          onSelect: beside('row'),
        },
        {
          label: 'Split below',
          ...(tab.direction === 'column' ? { keys: 'Ctrl Shift 5' } : {}),
          icon: <SquareSplitVertical />,
          disabled: full,
          onSelect: beside('column'),
        },
        ...(split
          ? [
              {
                label: turned === 'row' ? 'Put side by side' : 'Stack',
                icon: turned === 'row' ? <Columns2 /> : <Rows2 />,
                onSelect: () => terminals.arrange((now) => turn(now, tab.key, turned)),
              },
              {
                label: 'Move to its own tab',
                icon: <AppWindow />,
                onSelect: () => terminals.arrange((now) => separate(now, id)),
              },
            ]
          : other
            ? [
                {
                  label: `Show beside “${displayName(nameOf(items, other.active))}”`,
                  icon: <PanelRight />,
                  onSelect: () => terminals.placeBeside(id, other.active, other.direction),
                },
              ]
            : []),
        'line',
        { label: 'Close', keys: 'Del', icon: <X />, danger: true, onSelect: () => void close(self) },
        ...(split
          ? [
              {
                label: `Close all ${tab.panes.length}`,
                icon: <X />,
                danger: true,
                onSelect: () => void close(shown),
              },
            ]
          : []),
      ];
    };

    return { open, close, rename, menu };
  }, [terminals, confirm, toast]);
}

function nameOf(items: readonly Terminal[], id: string): string {
  return items.find((item) => item.id === id)?.name ?? 'the other';
}
