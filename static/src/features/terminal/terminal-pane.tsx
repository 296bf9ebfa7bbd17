/** One terminal in its place: a header of its own in a split, the screen, and how it ended. */
'use client';

import { Ellipsis, X } from 'lucide-react';
import { useState, type CSSProperties } from 'react';
import type { Terminal } from '@/api/types';
import { Button, IconButton } from '@/components/button';
import { Dropdown } from '@/components/menu';
import { RenameInput } from '@/components/rename-input';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { displayName } from '@/lib/paths';
import { ExitBadge } from './exit-badge';
import type { TerminalTab } from './terminal-layout';
import { LONGEST_NAME, terminalNameProblem } from './terminal-name';
import { TerminalNotice } from './terminal-notice';
import { TerminalView } from './terminal-view';
import { useTerminalActions } from './use-terminal-actions';

interface TerminalPaneProps {
  terminal: Terminal;
  tab: TerminalTab;
  /** Whether its tab is in front. */
  visible: boolean;
  style: CSSProperties;
}

export function TerminalPane({ terminal, tab, visible, style }: TerminalPaneProps) {
  const { terminals } = useWorkspace();
  const split = tab.panes.length > 1;
  const active = tab.active === terminal.id;
  return (
    <div
      role={split ? 'group' : undefined}
      aria-label={split ? displayName(terminal.name) : undefined}
      data-terminal={terminal.id}
      onFocus={() => !active && terminals.activate(terminal.id)}
      className={cx('absolute flex flex-col', !visible && 'hidden')}
      style={style}
    >
      {split ? <PaneHeader terminal={terminal} tab={tab} active={active} /> : null}
      <div className="relative min-h-0 flex-1">
        <TerminalView terminal={terminal} />
        {terminal.exit ? <Ended terminal={terminal} exit={terminal.exit} /> : null}
      </div>
    </div>
  );
}

function PaneHeader({ terminal, tab, active }: { terminal: Terminal; tab: TerminalTab; active: boolean }) {
  const { terminals } = useWorkspace();
  const actions = useTerminalActions();
  const [renaming, setRenaming] = useState(false);
  const name = displayName(terminal.name);
  return (
    <header
      className={cx(
        'flex h-7 shrink-0 items-center gap-1.5 border-b pr-1 pl-3 text-xs',
        active ? 'bg-panel text-fg' : 'bg-bg text-muted',
      )}
    >
      {renaming ? (
        <RenameInput
          className="relative w-44"
          initial={terminal.name}
          label={`New name for ${name}`}
          maxLength={LONGEST_NAME}
          clean={(text) => text.trim()}
          check={terminalNameProblem}
          submit={(text) => actions.rename(terminal.id, text)}
          onDone={({ keyboard }) => {
            setRenaming(false);
            if (keyboard) requestAnimationFrame(() => terminals.focusActive());
          }}
        />
      ) : (
        <span className="min-w-8 truncate" title={name} onDoubleClick={() => setRenaming(true)}>
          {name}
        </span>
      )}
      {terminal.exit ? <ExitBadge exit={terminal.exit} /> : null}
      <div className="flex min-w-0 flex-1 justify-end">
        <TerminalNotice terminal={terminal.id} />
      </div>
      <Dropdown
        keepFocus
        entries={actions.menu(tab, terminal.id, () => setRenaming(true))}
        trigger={
          <IconButton label={`Actions for ${name}`} className="size-5">
            <Ellipsis />
          </IconButton>
        }
      />
      <IconButton label={`Close ${name}`} className="size-5" onClick={() => void actions.close([terminal])}>
        <X />
      </IconButton>
    </header>
  );
}

function Ended({ terminal, exit }: { terminal: Terminal; exit: NonNullable<Terminal['exit']> }) {
  const actions = useTerminalActions();
  const how =
    exit.code != null ? `exit code ${exit.code}` : exit.signal != null ? `signal ${exit.signal}` : 'unknown';
  return (
    <div
      role="status"
      className="absolute right-4 bottom-3 z-10 flex items-center gap-2 rounded-lg border border-line-strong bg-raised py-1.5 pr-1.5 pl-3 text-xs shadow-pop"
    >
      <span className={exit.code === 0 ? 'text-muted' : 'text-danger'}>Ended: {how}</span>
      <Button variant="primary" onClick={() => void actions.close([terminal])}>
        Close
      </Button>
    </div>
  );
}
