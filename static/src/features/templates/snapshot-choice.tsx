/** A session, and one of the snapshots that were taken of it. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { messageOf } from '@/api/problem';
import { fetchSnapshots, snapshotsKey } from '@/api/templates';
import type { Session, Snapshot } from '@/api/types';
import { Button } from '@/components/button';
import { INPUT_CLASS } from '@/components/field';
import { OptionList } from '@/components/option-list';
import { Empty, Failure, Loading } from '@/components/states';
import { cx } from '@/lib/cx';
import { formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { amountWords } from './amounts';

interface SnapshotChoiceProps {
  sessions: readonly Session[];
  chosen: string | null;
  onSession: () => void;
  onChoose: (snapshot: Snapshot) => void;
}

export function SnapshotChoice({ sessions, chosen, onSession, onChoose }: SnapshotChoiceProps) {
  const field = useId();
  const [session, setSession] = useState(sessions[0]?.id ?? '');
  if (session === '') return <Empty title="No sessions yet">A snapshot is taken in a session’s menu.</Empty>;
  return (
    <>
      <label htmlFor={field} className="flex items-center gap-2 text-muted">
        Of
        <select
          id={field}
          value={session}
          onChange={(event) => {
            setSession(event.target.value);
            onSession();
          }}
          className={cx(INPUT_CLASS, 'h-8')}
        >
          {sessions.map(({ id, name }) => (
            <option key={id} value={id}>
              {displayName(name)}
            </option>
          ))}
        </select>
      </label>
      <Snapshots key={session} session={session} chosen={chosen} onChoose={onChoose} />
    </>
  );
}

interface SnapshotsProps {
  session: string;
  chosen: string | null;
  onChoose: (snapshot: Snapshot) => void;
}

function Snapshots({ session, chosen, onChoose }: SnapshotsProps) {
  const snapshots = useQuery({ queryKey: snapshotsKey(session), queryFn: () => fetchSnapshots(session) });
  if (snapshots.isPending) return <Loading>Loading snapshots…</Loading>;
  if (snapshots.isError) {
    return (
      <Failure
        title="The snapshots could not be loaded"
        actions={<Button onClick={() => void snapshots.refetch()}>Try again</Button>}
      >
        {messageOf(snapshots.error)}
      </Failure>
    );
  }
  if (snapshots.data.length === 0) {
    return <Empty title="No snapshots of this session">One is taken in the session’s menu.</Empty>;
  }
  return (
    <OptionList
      label="Snapshots"
      chosen={chosen}
      options={snapshots.data.map((snapshot) => ({
        key: snapshot.id,
        title: displayName(snapshot.name),
        text: formatTime(snapshot.created_at),
        note: amountWords(snapshot),
      }))}
      onChoose={(id) => {
        const snapshot = snapshots.data.find((one) => one.id === id);
        if (snapshot) onChoose(snapshot);
      }}
    />
  );
}
