/** The workspace's upper line: where one is, and what one can do with all of it. */
'use client';

import {
  Activity,
  BookUp,
  Camera,
  CircleHelp,
  CopyPlus,
  Ellipsis,
  FileX2,
  History,
  PencilLine,
  Play,
  RotateCw,
  Square,
  Trash2,
} from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Dropdown, type MenuEntry } from '@/components/menu';
import { useUser } from '@/features/auth/auth-context';
import { NameDialog } from '@/features/dashboard/name-dialog';
import type { DraftPlace } from '@/features/editor/drafts';
import { giveUpQuestion } from '@/features/session/end-sandbox';
import { EndingBanner } from '@/features/session/ending-banner';
import { reasonBeside, reasonWords } from '@/features/session/reason';
import { StateBadge } from '@/features/session/state-badge';
import { useDeletion } from '@/features/session/use-deletion';
import { Logo } from '@/features/shell/logo';
import { ThemeToggle } from '@/features/shell/theme-toggle';
import { UserMenu } from '@/features/shell/user-menu';
import { DuplicateDialog } from '@/features/templates/duplicate-dialog';
import { cx } from '@/lib/cx';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { useLeave } from './use-leave';
import { runnable } from './use-run';
import { useWorkspace } from './workspace-context';

interface WorkspaceHeaderProps {
  onRun: () => void;
  onHelp: () => void;
  /** Whether the panel of what runs is shown. */
  activity: boolean;
  onActivity: () => void;
}

export function WorkspaceHeader({ onRun, onHelp, activity, onActivity }: WorkspaceHeaderProps) {
  const workspace = useWorkspace();
  const session = useStore(workspace.session);
  const { active } = useStore(workspace.files.tabs);
  const leave = useLeave();
  const confirm = useConfirm();
  const router = useRouter();
  const deletion = useDeletion();
  const [renaming, setRenaming] = useState(false);
  const [duplicating, setDuplicating] = useState(false);
  const user = useUser();
  const running = session.state === 'ready';
  // One that runs has a reason only when it could not be stopped.
  const stuck = running && Boolean(session.reason);

  const entries: MenuEntry[] = [
    { label: 'Rename session…', icon: <PencilLine />, onSelect: () => setRenaming(true) },
    { label: 'Duplicate session…', icon: <CopyPlus />, onSelect: () => setDuplicating(true) },
    'line',
    {
      label: 'History…',
      icon: <History />,
      onSelect: () => workspace.overlay.set({ kind: 'history', path: '' }),
    },
    {
      label: 'Deleted files…',
      icon: <FileX2 />,
      onSelect: () => workspace.overlay.set({ kind: 'history', path: '', deleted: true }),
    },
    {
      label: 'Snapshots…',
      icon: <Camera />,
      onSelect: () => workspace.overlay.set({ kind: 'snapshots' }),
    },
    ...(user.role === 'admin'
      ? [
          {
            label: 'Publish as template…',
            icon: <BookUp />,
            onSelect: () => workspace.overlay.set({ kind: 'publish' }),
          },
        ]
      : []),
    'line',
    running || session.state === 'starting'
      ? { label: 'Stop', icon: <Square />, onSelect: () => void workspace.stop() }
      : { label: 'Open', icon: <Play />, onSelect: () => void workspace.start() },
    { label: 'Restart', icon: <RotateCw />, onSelect: () => void workspace.restart() },
    ...(stuck
      ? [{ label: 'Stop without saving…', icon: <Square />, danger: true, onSelect: () => void abandon() }]
      : []),
    'line',
    { label: 'Delete session…', icon: <Trash2 />, danger: true, onSelect: () => void remove() },
  ];

  const remove = async (): Promise<void> => {
    if (await deletion.remove(session)) router.push('/');
  };

  const abandon = async (): Promise<void> => {
    if (await confirm(giveUpQuestion('stop', session.reason))) await workspace.abandon();
  };

  const saveFirst = async (): Promise<DraftPlace[]> =>
    (await workspace.files.saveDecided()).map((path) => ({ session: workspace.id, path }));

  return (
    <header className="flex h-11 shrink-0 items-center gap-2 border-b bg-panel px-3">
      <Link
        href="/"
        prefetch={false}
        onClick={leave}
        aria-label="To your sessions"
        title="To your sessions"
        className="rounded-md"
      >
        <Logo className="size-6" />
      </Link>
      <span aria-hidden className="text-line-strong">
        /
      </span>
      <h1 className="min-w-0 truncate font-semibold">{displayName(session.name)}</h1>
      <Dropdown
        align="start"
        entries={entries}
        trigger={
          <IconButton label="Session menu">
            <Ellipsis />
          </IconButton>
        }
      />
      <StateBadge state={session.state} />
      {session.state === 'ready' || !session.reason ? null : (
        <span className="min-w-0 truncate text-xs text-faint" title={reasonWords(session.reason)}>
          {reasonBeside(session.state, session.reason)}
        </span>
      )}
      <div className="flex min-w-0 flex-1 justify-center px-2">
        <EndingBanner />
      </div>
      <Button
        variant="primary"
        disabled={!runnable(active)}
        title={runnable(active) ? 'Save all and run this file' : 'Open a Python file to run it'}
        onClick={onRun}
      >
        <Play aria-hidden className="size-3.5 fill-current" /> Run
      </Button>
      <span aria-hidden className="mx-1 h-5 w-px bg-line" />
      <IconButton
        label="Activity"
        title="Programs and what they use (Ctrl+Shift+Y)"
        aria-pressed={activity}
        onClick={onActivity}
        className={cx('size-7', activity && 'bg-selected text-accent')}
      >
        <Activity />
      </IconButton>
      <IconButton label="Keyboard shortcuts" onClick={onHelp} className="size-7">
        <CircleHelp />
      </IconButton>
      <ThemeToggle />
      <UserMenu saveFirst={saveFirst} />
      {duplicating ? <DuplicateDialog session={session} onClose={() => setDuplicating(false)} /> : null}
      {renaming ? (
        <NameDialog
          title="Rename session"
          label="Name"
          action="Rename"
          initial={session.name}
          submit={async (name) => {
            await workspace.rename(name);
          }}
          onClose={() => setRenaming(false)}
        />
      ) : null}
    </header>
  );
}
