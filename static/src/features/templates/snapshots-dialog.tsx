/** The snapshots of a session: taken, made a session of, deleted. */
'use client';

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Camera, Trash2 } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState, type FormEvent } from 'react';
import { messageOf } from '@/api/problem';
import { deleteSnapshot, fetchSnapshots, snapshotsKey, takeSnapshot } from '@/api/templates';
import type { Snapshot } from '@/api/types';
import { Button, IconButton } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Dialog } from '@/components/dialog';
import { Field } from '@/components/field';
import { Empty, Failure, Loading } from '@/components/states';
import { useToast } from '@/components/toasts';
import { SESSIONS_KEY, createSession } from '@/features/session/session-api';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { amountWords } from './amounts';
import { LONGEST_NAME } from './copy-name';

export function SnapshotsDialog({ onClose }: { onClose: () => void }) {
  const { id, files } = useWorkspace();
  const client = useQueryClient();
  const toast = useToast();
  const confirm = useConfirm();
  const router = useRouter();
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const snapshots = useQuery({ queryKey: snapshotsKey(id), queryFn: () => fetchSnapshots(id) });
  const refresh = () => client.invalidateQueries({ queryKey: snapshotsKey(id) });

  const take = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (name.trim() === '') return setProblem('Type a name.');
    setBusy(true);
    setProblem(null);
    try {
      // What is typed belongs to it; what waits for a decision cannot.
      await files.saveDecided();
      await takeSnapshot(id, name.trim());
      setName('');
      toast('The snapshot was taken.', 'ok');
    } catch (error) {
      setProblem(messageOf(error));
    }
    setBusy(false);
    await refresh();
  };

  const remove = async (snapshot: Snapshot): Promise<void> => {
    const yes = await confirm({
      title: `Delete the snapshot “${displayName(snapshot.name)}”?`,
      text: 'The files of this session stay as they are.',
      yes: 'Delete snapshot',
      danger: true,
    });
    if (!yes) return;
    await deleteSnapshot(id, snapshot.id).catch((error: unknown) => toast(messageOf(error), 'danger'));
    await refresh();
  };

  const begin = async (snapshot: Snapshot): Promise<void> => {
    try {
      const session = await createSession(snapshot.name, { snapshot: snapshot.id });
      void client.invalidateQueries({ queryKey: SESSIONS_KEY });
      onClose();
      router.push(`/s/${session.id}/`);
    } catch (error) {
      toast(messageOf(error), 'danger');
    }
  };

  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Snapshots"
      description="A snapshot keeps all files as they are now, under a name, for as long as you want."
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <form onSubmit={(event) => void take(event)} className="mb-4 flex items-start gap-2">
        <Field
          label="Name of a new snapshot"
          value={name}
          maxLength={LONGEST_NAME}
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
          problem={problem}
          className="flex-1"
        />
        <Button type="submit" size="md" variant="primary" busy={busy} className="mt-6">
          <Camera aria-hidden className="size-4" /> Take
        </Button>
      </form>
      {snapshots.isPending ? (
        <Loading>Loading snapshots…</Loading>
      ) : snapshots.isError ? (
        <Failure
          title="The snapshots could not be loaded"
          actions={<Button onClick={() => void snapshots.refetch()}>Try again</Button>}
        >
          {messageOf(snapshots.error)}
        </Failure>
      ) : snapshots.data.length === 0 ? (
        <Empty icon={<Camera aria-hidden />} title="No snapshots yet" />
      ) : (
        <ul aria-label="Snapshots" className="divide-y divide-line rounded-lg border bg-panel">
          {snapshots.data.map((snapshot) => (
            <li key={snapshot.id} className="flex items-center gap-2 px-3 py-2">
              <div className="min-w-0 flex-1">
                <p className="truncate font-medium">{displayName(snapshot.name)}</p>
                <p className="text-xs text-faint">
                  {formatTime(snapshot.created_at)} · {amountWords(snapshot)}
                </p>
              </div>
              <Button onClick={() => void begin(snapshot)}>New session of it</Button>
              <IconButton
                label={`Delete ${displayName(snapshot.name)}`}
                className="size-7"
                onClick={() => void remove(snapshot)}
              >
                <Trash2 />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
