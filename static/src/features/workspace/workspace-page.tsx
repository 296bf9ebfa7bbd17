/** `/s/{id}/`: loading, not found, failed, or the workspace. */
'use client';

import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { ApiError, ELSEWHERE, messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { Empty, Failure, Loading } from '@/components/states';
import { useUser } from '@/features/auth/auth-context';
import { Elsewhere } from '@/features/session/elsewhere';
import { DELETED_KEY, fetchDeletedSessions, fetchSession, sessionKey } from '@/features/session/session-api';
import { useDeletion } from '@/features/session/use-deletion';
import { formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import type { Workspace } from './workspace';
import { WorkspaceContext } from './workspace-context';
import { WorkspaceShell } from './workspace-shell';
import { useSessionId } from './use-session-id';
import { useWorkspaceInstance } from './use-workspace-instance';

export function WorkspacePage() {
  const session = useSessionId();
  if (session.kind === 'unknown') return <Waiting />;
  if (session.kind === 'invalid') return <NotFound />;
  return <OpenedSession key={session.id} id={session.id} />;
}

function OpenedSession({ id }: { id: string }) {
  const user = useUser();
  const query = useQuery({
    queryKey: sessionKey(id),
    queryFn: () => fetchSession(id),
    // Once open, the socket keeps it fresh.
    staleTime: Infinity,
    refetchOnMount: 'always',
  });
  // What an earlier visit left in the cache may be long untrue.
  const [attempt, setAttempt] = useState(0);
  const { workspace, gone, elsewhere } = useWorkspaceInstance(
    query.isFetchedAfterMount ? query.data : undefined,
    user.id,
    attempt,
  );
  const again = (): void => {
    setAttempt((count) => count + 1);
    void query.refetch();
  };

  const problem = query.error instanceof ApiError ? query.error : null;
  if (gone || problem?.status === 404) return <Gone id={id} onBack={again} />;
  if (elsewhere || problem?.code === ELSEWHERE) {
    return (
      <main className="h-dvh">
        <Elsewhere
          session={id}
          serverUrl={elsewhere ? elsewhere.serverUrl : (problem?.serverUrl ?? null)}
          onRetry={again}
        >
          <HomeLink />
        </Elsewhere>
      </main>
    );
  }
  if (query.isError && !query.data) {
    return (
      <main className="h-dvh">
        <Failure
          title="This session could not be opened"
          actions={
            <>
              <Button onClick={() => void query.refetch()}>Try again</Button>
              <HomeLink />
            </>
          }
        >
          {messageOf(query.error)}
        </Failure>
      </main>
    );
  }
  if (!workspace) return <Waiting />;
  return (
    <WorkspaceContext value={workspace}>
      <Title workspace={workspace} />
      <WorkspaceShell />
    </WorkspaceContext>
  );
}

function Title({ workspace }: { workspace: Workspace }) {
  const { name } = useStore(workspace.session);
  useEffect(() => {
    document.title = `${name} · Carrel`;
  }, [name]);
  return null;
}

function Waiting() {
  return (
    <main className="h-dvh">
      <Loading>Opening the session…</Loading>
    </main>
  );
}

function HomeLink() {
  return (
    <Link
      href="/"
      className="inline-flex h-7 items-center rounded-md border border-line-strong bg-raised px-2.5 hover:bg-hover"
    >
      To your sessions
    </Link>
  );
}

/** A session that is not there: if it was only deleted, it can be had back from here. */
function Gone({ id, onBack }: { id: string; onBack: () => void }) {
  const deleted = useQuery({ queryKey: DELETED_KEY, queryFn: fetchDeletedSessions });
  const { restore } = useDeletion();
  const session = deleted.data?.find((other) => other.id === id);
  if (deleted.isPending) return <Waiting />;
  if (!session) return <NotFound />;
  return (
    <main className="h-dvh">
      <Empty
        icon={<Trash2 aria-hidden />}
        title={`“${displayName(session.name)}” was deleted`}
        actions={
          <>
            <Button variant="primary" onClick={() => void restore(session).then((back) => back && onBack())}>
              Undelete
            </Button>
            <HomeLink />
          </>
        }
      >
        {session.purge_at ? `It can be had back until ${formatTime(session.purge_at)}.` : null}
      </Empty>
    </main>
  );
}

function NotFound() {
  return (
    <main className="h-dvh">
      <Empty title="There is no such session" actions={<HomeLink />}>
        It was deleted, or it belongs to somebody else.
      </Empty>
    </main>
  );
}
