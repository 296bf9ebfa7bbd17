/** What runs in the session, by terminal, each with what it takes and the way to end it. */
'use client';

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleStop, Moon } from 'lucide-react';
import { useState } from 'react';
import { ApiError, messageOf } from '@/api/problem';
import { Button, IconButton } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Empty, Failure, Loading } from '@/components/states';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { formatAge, formatBytes } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { groupProcesses, type GroupedProcess } from './process-groups';
import { describeProcess } from './process-words';
import { fetchProcesses, processesKey, stopProcess } from './processes-api';

/** As often as the meters change. */
const REFRESH_MS = 2_000;

/** CPU from which a program counts as busy, in per cent of one CPU. */
const BUSY_PERCENT = 50;

/** How long a program that was asked to end is shown as ending: it is killed after 2 s. */
const ENDING_MS = 4_000;

export function ProcessList() {
  const { id, session, terminals } = useWorkspace();
  const { state } = useStore(session);
  const { items } = useStore(terminals.state);
  const running = state === 'ready';
  const query = useQuery({
    queryKey: processesKey(id),
    queryFn: () => fetchProcesses(id),
    enabled: running,
    refetchInterval: REFRESH_MS,
    staleTime: 0,
  });
  const stop = useStop();

  if (!running) {
    return (
      <Empty icon={<Moon aria-hidden />} title="Nothing runs">
        The session is not running.
      </Empty>
    );
  }
  if (query.isPending) return <Loading>Looking at what runs…</Loading>;
  if (query.isError && !query.data) {
    return (
      <Failure
        title="What runs could not be read"
        actions={<Button onClick={() => void query.refetch()}>Try again</Button>}
      >
        {messageOf(query.error)}
      </Failure>
    );
  }
  const groups = groupProcesses(query.data, items);
  if (groups.length === 0) {
    return (
      <Empty icon={<Moon aria-hidden />} title="Nothing runs">
        Open a terminal, or run a file.
      </Empty>
    );
  }
  return (
    <>
      {query.isError ? (
        <p role="status" className="px-3 pt-2 text-xs text-warn">
          Not up to date: {messageOf(query.error)}
        </p>
      ) : null}
      {groups.map(({ terminal, name, processes }) => (
        <section key={terminal ?? ''} aria-label={displayName(name)} className="pt-2 pb-1">
          <h3 className="truncate px-3 pb-1 text-2xs font-semibold text-faint">{displayName(name)}</h3>
          <ul>
            {processes.map((entry) => (
              <ProcessRow
                key={entry.process.pid}
                entry={entry}
                ending={stop.ending.has(entry.process.pid)}
                onStop={() => void stop.run(entry, name)}
              />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

interface ProcessRowProps {
  entry: GroupedProcess;
  ending: boolean;
  onStop: () => void;
}

function ProcessRow({ entry: { process, first }, ending, onStop }: ProcessRowProps) {
  const { title, kind } = describeProcess(process.command);
  const busy = process.cpu_percent >= BUSY_PERCENT;
  const command = displayName(process.command);
  return (
    <li
      data-pid={process.pid}
      className={cx('group flex items-center gap-2 py-1 pr-1.5 pl-3 hover:bg-hover', ending && 'opacity-60')}
    >
      <div className="min-w-0 flex-1" title={`${command}\nprocess ${process.pid}, parent ${process.parent}`}>
        <p className="flex min-w-0 items-baseline gap-1.5">
          <span className="truncate font-medium">{title}</span>
          {kind || first ? (
            <span className="truncate text-xs text-faint">{kind ?? 'of this terminal'}</span>
          ) : null}
        </p>
        <p className="flex gap-3 text-2xs text-faint tabular-nums">
          <span className={cx('w-16 shrink-0', busy && 'font-medium text-warn')}>
            {process.cpu_percent.toFixed(process.cpu_percent < 10 ? 1 : 0)} % CPU
          </span>
          <span className="w-14 shrink-0">{formatBytes(process.memory_bytes)}</span>
          <span className="truncate" title="Running for">
            {ending ? 'Ending…' : formatAge(process.age_ms)}
          </span>
        </p>
      </div>
      <IconButton
        label={`Stop ${title}, process ${process.pid}`}
        title="Stop"
        disabled={ending}
        onClick={onStop}
        className="hover:text-danger"
      >
        <CircleStop />
      </IconButton>
    </li>
  );
}

/** Asks programs to end, and knows which were asked a moment ago. */
function useStop(): {
  ending: ReadonlySet<number>;
  run: (entry: GroupedProcess, group: string) => Promise<void>;
} {
  const { id } = useWorkspace();
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const [ending, setEnding] = useState<ReadonlySet<number>>(new Set());

  const mark = (pid: number, on: boolean): void =>
    setEnding((old) => new Set(on ? [...old, pid] : [...old].filter((other) => other !== pid)));

  const run = async ({ process, first }: GroupedProcess, group: string): Promise<void> => {
    const { title } = describeProcess(process.command);
    const { pid } = process;
    const yes =
      !first ||
      (await confirm({
        title: `Stop “${title}” of “${displayName(group)}”?`,
        text: 'It is the program this terminal began with: stopping it ends the terminal and what runs in it. What it has printed stays.',
        yes: 'Stop it',
        danger: true,
      }));
    if (!yes) return;
    mark(pid, true);
    setTimeout(() => mark(pid, false), ENDING_MS);
    try {
      await stopProcess(id, pid);
    } catch (error) {
      mark(pid, false);
      // It has ended by itself meanwhile, which is what was wanted.
      if (!(error instanceof ApiError && error.status === 404)) toast(messageOf(error), 'danger');
    }
    await client.invalidateQueries({ queryKey: processesKey(id) });
  };

  return { ending, run };
}
