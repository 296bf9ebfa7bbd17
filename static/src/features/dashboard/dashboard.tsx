/** The user's sessions: make, open, rename, start and stop, delete and undelete. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { Plus, SquareTerminal } from 'lucide-react';
import { useState } from 'react';
import { messageOf } from '@/api/problem';
import type { Session } from '@/api/types';
import { Button } from '@/components/button';
import { Empty, Failure, Loading } from '@/components/states';
import { SESSIONS_KEY, fetchSessions } from '@/features/session/session-api';
import { useDeletion } from '@/features/session/use-deletion';
import { copyName } from '@/features/templates/copy-name';
import { NewSessionDialog } from '@/features/templates/new-session-dialog';
import { Logo } from '@/features/shell/logo';
import { ThemeToggle } from '@/features/shell/theme-toggle';
import { UserMenu } from '@/features/shell/user-menu';
import { DeletedSessions } from './deleted-sessions';
import { NameDialog } from './name-dialog';
import { SessionRow } from './session-row';
import { useSessionActions } from './use-session-actions';

/** States change without our doing (idle stops): look again this often, and more often while one is changing. */
const REFRESH_MS = 10_000;
const CHANGING_MS = 1_000;

function refreshAfter(sessions: readonly Session[] | undefined): number {
  const changing = sessions?.some(({ state }) => state === 'starting' || state === 'stopping');
  return changing ? CHANGING_MS : REFRESH_MS;
}

function byActivity(a: Session, b: Session): number {
  return b.last_active_at.localeCompare(a.last_active_at);
}

export function Dashboard() {
  const sessions = useQuery({
    queryKey: SESSIONS_KEY,
    queryFn: fetchSessions,
    refetchInterval: ({ state }) => refreshAfter(state.data),
  });
  const actions = useSessionActions();
  const deletion = useDeletion();
  const [creating, setCreating] = useState(false);
  const [renaming, setRenaming] = useState<Session | null>(null);
  const [duplicating, setDuplicating] = useState<Session | null>(null);

  const newButton = (
    <Button variant="primary" size="md" onClick={() => setCreating(true)}>
      <Plus aria-hidden className="size-4" /> New session
    </Button>
  );

  const list = sessions.data ? [...sessions.data].sort(byActivity) : [];
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="flex h-12 items-center gap-2.5 border-b bg-panel px-4">
        <Logo className="size-6" />
        <span className="flex-1 text-sm font-semibold tracking-tight">Carrel</span>
        <ThemeToggle />
        <UserMenu />
      </header>
      <main className="mx-auto w-full max-w-4xl flex-1 px-6 py-10">
        <div className="mb-5 flex items-end gap-4">
          <div className="flex-1">
            <h1 className="text-xl font-semibold tracking-tight">Sessions</h1>
            <p className="mt-0.5 text-muted">Each has its own files and its own Python sandbox.</p>
          </div>
          {list.length > 0 ? newButton : null}
        </div>
        <section aria-label="Your sessions" className="rounded-xl border bg-panel">
          {sessions.isPending ? (
            <Loading>Loading sessions…</Loading>
          ) : sessions.isError && !sessions.data ? (
            <Failure
              title="Your sessions could not be loaded"
              actions={<Button onClick={() => void sessions.refetch()}>Try again</Button>}
            >
              {messageOf(sessions.error)}
            </Failure>
          ) : list.length === 0 ? (
            <div className="py-12">
              <Empty icon={<SquareTerminal aria-hidden />} title="No sessions yet" actions={newButton}>
                A session is a folder with Python 3.11, pandas and a terminal, ready in a moment. Its files
                stay when it stops.
              </Empty>
            </div>
          ) : (
            <ul className="divide-y divide-line">
              {list.map((session) => (
                <SessionRow
                  key={session.id}
                  session={session}
                  onRename={() => setRenaming(session)}
                  onDuplicate={() => setDuplicating(session)}
                  onDelete={() => void deletion.remove(session)}
                  onAsk={(request) => void actions.ask(request, session)}
                />
              ))}
            </ul>
          )}
        </section>
        <DeletedSessions />
      </main>
      {creating ? (
        <NewSessionDialog
          initialName={suggestName(list)}
          sessions={list}
          create={actions.create}
          onClose={() => setCreating(false)}
        />
      ) : null}
      {duplicating ? (
        <NameDialog
          title="Duplicate session"
          label="Name"
          action="Duplicate"
          initial={copyName(duplicating.name)}
          submit={(name) => actions.create(name, { session: duplicating.id })}
          onClose={() => setDuplicating(null)}
        />
      ) : null}
      {renaming ? (
        <NameDialog
          title="Rename session"
          label="Name"
          action="Rename"
          initial={renaming.name}
          submit={(name) => actions.rename(renaming, name)}
          onClose={() => setRenaming(null)}
        />
      ) : null}
    </div>
  );
}

/** `Session 1`, `Session 2`, …: the first that is free. */
function suggestName(sessions: readonly Session[]): string {
  const taken = new Set(sessions.map((session) => session.name));
  for (let count = 1; ; count += 1) if (!taken.has(`Session ${count}`)) return `Session ${count}`;
}
