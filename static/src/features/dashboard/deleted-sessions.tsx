/** Deleted sessions that can still be had back, folded away until somebody looks for one. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { ChevronRight, Undo2 } from 'lucide-react';
import { useId, useState } from 'react';
import { messageOf } from '@/api/problem';
import type { Session } from '@/api/types';
import { Button } from '@/components/button';
import { Failure, Loading } from '@/components/states';
import { DELETED_KEY, fetchDeletedSessions } from '@/features/session/session-api';
import { useDeletion } from '@/features/session/use-deletion';
import { cx } from '@/lib/cx';
import { formatAge, formatAgo, formatBytes, formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { useNow } from '@/lib/use-now';

/** They go by themselves: look again this often. */
const REFRESH_MS = 60_000;

export function DeletedSessions() {
  const content = useId();
  const [open, setOpen] = useState(false);
  const deleted = useQuery({
    queryKey: DELETED_KEY,
    queryFn: fetchDeletedSessions,
    refetchInterval: REFRESH_MS,
  });
  const list = [...(deleted.data ?? [])].sort((a, b) =>
    (b.deleted_at ?? '').localeCompare(a.deleted_at ?? ''),
  );
  return (
    <section aria-label="Recently deleted" className="mt-6">
      <h2>
        <button
          type="button"
          aria-expanded={open}
          aria-controls={content}
          onClick={() => setOpen((old) => !old)}
          className="flex items-center gap-1.5 rounded-md px-1 py-1 text-muted hover:text-fg"
        >
          <ChevronRight aria-hidden className={cx('size-4 transition-transform', open && 'rotate-90')} />
          Recently deleted
          {list.length > 0 ? (
            <span className="rounded-full bg-hover px-1.5 text-2xs tabular-nums">{list.length}</span>
          ) : null}
        </button>
      </h2>
      <div id={content} hidden={!open} className="mt-2 rounded-xl border bg-panel">
        {deleted.isPending ? (
          <Loading>Looking for deleted sessions…</Loading>
        ) : deleted.isError && !deleted.data ? (
          <Failure
            title="Deleted sessions could not be loaded"
            actions={<Button onClick={() => void deleted.refetch()}>Try again</Button>}
          >
            {messageOf(deleted.error)}
          </Failure>
        ) : list.length === 0 ? (
          <p className="px-4 py-6 text-center text-muted">
            Nothing. A deleted session waits here for a while.
          </p>
        ) : (
          <ul className="divide-y divide-line">
            {list.map((session) => (
              <DeletedRow key={session.id} session={session} />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function DeletedRow({ session }: { session: Session }) {
  const { restore } = useDeletion();
  const [busy, setBusy] = useState(false);
  const now = useNow();
  const name = displayName(session.name);
  const { deleted_at: at, purge_at: until } = session;
  const undelete = async (): Promise<void> => {
    setBusy(true);
    await restore(session);
    setBusy(false);
  };
  return (
    <li className="flex items-center gap-4 px-4 py-2.5">
      <div className="min-w-0 flex-1">
        <p className="truncate text-sm font-medium text-muted">{name}</p>
        <p className="mt-0.5 truncate text-xs text-faint">
          {at ? <span title={formatTime(at)}>Deleted {formatAgo(at)}</span> : 'Deleted'}
          {' · '}
          {session.usage.items} {session.usage.items === 1 ? 'item' : 'items'},{' '}
          {formatBytes(session.usage.bytes)}
          {until ? (
            <span title={formatTime(until)}>
              {' · '}gone for good in {formatAge(Date.parse(until) - now)}
            </span>
          ) : null}
        </p>
      </div>
      <Button busy={busy} aria-label={`Undelete ${name}`} onClick={() => void undelete()}>
        <Undo2 aria-hidden className="size-3.5" /> Undelete
      </Button>
    </li>
  );
}
