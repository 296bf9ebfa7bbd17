/** The lower panel: terminal tabs while the session runs, its state while it does not. */
'use client';

import { Columns2, Plus, SquareTerminal } from 'lucide-react';
import { Button, IconButton } from '@/components/button';
import { Splitters, paneStyle } from '@/components/split-panes';
import { Empty, Loading } from '@/components/states';
import { SessionStatus } from '@/features/session/session-status';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { MOST_PANES, frontTab, resize, tabOf } from './terminal-layout';
import { TerminalNotice } from './terminal-notice';
import { TerminalPane } from './terminal-pane';
import { TerminalTabs } from './terminal-tabs';
import { useTerminalActions } from './use-terminal-actions';

export function TerminalPanel() {
  const { session, terminals } = useWorkspace();
  const { state } = useStore(session);
  const { items, layout, opening, known, problem } = useStore(terminals.state);
  const actions = useTerminalActions();
  const ready = state === 'ready';
  const front = frontTab(layout);
  const single = front?.panes.length === 1 ? front.active : null;

  return (
    <section aria-label="Terminals" data-panel-kind="terminal" className="flex h-full min-h-0 flex-col bg-bg">
      <header className="flex h-8 shrink-0 items-center gap-0.5 border-b pr-1.5">
        {ready && items.length > 0 ? (
          <TerminalTabs items={items} layout={layout} />
        ) : (
          <h2 className="pl-3 text-xs font-semibold text-muted">Terminal</h2>
        )}
        <div className="flex min-w-0 flex-1 justify-end pl-2">
          {ready && single !== null ? <TerminalNotice terminal={single} /> : null}
        </div>
        {ready ? (
          <>
            <IconButton
              label="New terminal"
              title="New terminal (Ctrl+Shift+`)"
              disabled={opening}
              onClick={() => void actions.open()}
            >
              <Plus />
            </IconButton>
            {front ? (
              <IconButton
                label="Split terminal"
                title="Split terminal (Ctrl+Shift+5)"
                disabled={opening || front.panes.length >= MOST_PANES}
                onClick={() => void actions.open({ beside: front.active, direction: front.direction })}
              >
                <Columns2 />
              </IconButton>
            ) : null}
          </>
        ) : null}
      </header>
      <div
        className="relative min-h-0 flex-1 bg-[#fbfbfc] dark:bg-[#0a0c0e]"
        {...(ready && front ? { role: 'tabpanel', 'aria-label': panelName() } : {})}
      >
        {!ready ? (
          <SessionStatus />
        ) : items.length > 0 ? (
          <>
            {items.map((item) => {
              const tab = tabOf(layout, item.id);
              if (!tab) return null;
              const index = tab.panes.findIndex((pane) => pane.id === item.id);
              const shares = tab.panes.map((pane) => pane.share);
              return (
                <TerminalPane
                  key={item.id}
                  terminal={item}
                  tab={tab}
                  visible={tab === front}
                  style={paneStyle(tab.direction, shares, index)}
                />
              );
            })}
            {front && front.panes.length > 1 ? (
              <Splitters
                direction={front.direction}
                shares={front.panes.map((pane) => pane.share)}
                label="Between terminals"
                onResize={(shares) => terminals.arrange((now) => resize(now, front.key, shares))}
              />
            ) : null}
          </>
        ) : opening || !known ? (
          <Loading>Opening a terminal…</Loading>
        ) : (
          <Empty
            icon={<SquareTerminal aria-hidden />}
            title={problem ? 'No terminal could be opened' : 'No terminal is open'}
            actions={<Button onClick={() => void actions.open()}>Open a terminal</Button>}
          >
            {problem}
          </Empty>
        )}
      </div>
    </section>
  );

  function panelName(): string {
    const names = front?.panes.map((pane) => items.find((item) => item.id === pane.id)?.name ?? '');
    return displayName(names?.join(' and ') ?? '');
  }
}
