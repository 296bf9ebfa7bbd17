/** `/s/{id}/`: loading, not found, failed, or the workspace. */
'use client';

import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useEffect } from 'react';
import { ApiError, messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { Empty, Failure, Loading } from '@/components/states';
import { useUser } from '@/features/auth/auth-context';
import { fetchSession, sessionKey } from '@/features/session/session-api';
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
  const { workspace, gone } = useWorkspaceInstance(
    query.isFetchedAfterMount ? query.data : undefined,
    user.id,
  );

  if (gone || (query.error instanceof ApiError && query.error.status === 404)) return <NotFound />;
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

function NotFound() {
  return (
    <main className="h-dvh">
      <Empty title="There is no such session" actions={<HomeLink />}>
        It was deleted, or it belongs to somebody else.
      </Empty>
    </main>
  );
}
