/** The round, run: a throw-away sandbox of exactly what was submitted, with its terminals. */
'use client';

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ExternalLink, Trash2, X } from 'lucide-react';
import { useState } from 'react';
import { messageOf } from '@/api/problem';
import { endRun, runRound } from '@/api/reading';
import type { Run } from '@/api/types';
import { Button, IconButton } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Failure, Loading } from '@/components/states';
import { useToast } from '@/components/toasts';
import { fetchSession, sessionKey } from '@/features/session/session-api';
import { StateBadge } from '@/features/session/state-badge';
import { TerminalPanel } from '@/features/terminal/terminal-panel';
import { useWorkspaceInstance } from '@/features/workspace/use-workspace-instance';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { useStore } from '@/lib/store';
import { useReviewPage } from './review-context';
import { runKey } from './use-review';

export interface RunControl {
  busy: boolean;
  start: (round: number) => Promise<void>;
  discard: () => Promise<void>;
}

/** Starts and throws away; `onStarted` when there is something to show. */
export function useRunControl(review: string, onStarted: () => void): RunControl {
  const client = useQueryClient();
  const toast = useToast();
  const confirm = useConfirm();
  const [busy, setBusy] = useState(false);
  const during = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      toast(messageOf(error), 'danger');
    } finally {
      setBusy(false);
    }
  };
  const start = async (round: number): Promise<void> => {
    const present = client.getQueryData<Run | null>(runKey(review));
    const other = present && present.round !== round;
    const yes =
      !other ||
      (await confirm({
        title: `Run round ${round} instead?`,
        text: `The run of round ${present.round} ends, with all you did in it.`,
        yes: 'Run',
        danger: true,
      }));
    if (!yes) return;
    await during(async () => {
      client.setQueryData<Run | null>(runKey(review), await runRound(review, round));
      onStarted();
    });
  };
  const discard = async (): Promise<void> => {
    const yes = await confirm({
      title: 'Throw this run away?',
      text: 'Its programs end, and what you changed in it is gone. The round itself stays as it is.',
      yes: 'Throw away',
      danger: true,
    });
    if (!yes) return;
    await during(async () => {
      await endRun(review);
      client.setQueryData<Run | null>(runKey(review), null);
    });
  };
  return { busy, start, discard };
}

interface RunPanelProps {
  run: Run;
  control: RunControl;
  /** Out of sight; it runs on. */
  onHide: () => void;
}

export function RunPanel({ run, control, onHide }: RunPanelProps) {
  const { review, user } = useReviewPage();
  const { id } = run.session;
  const session = useQuery({
    queryKey: sessionKey(id),
    queryFn: () => fetchSession(id),
    // Once open, the socket keeps it fresh.
    staleTime: Infinity,
    refetchOnMount: 'always',
  });
  const client = useQueryClient();
  const { workspace, gone, elsewhere } = useWorkspaceInstance(
    session.isFetchedAfterMount ? session.data : undefined,
    user,
    0,
  );
  return (
    <section aria-label={`Run of round ${run.round}`} className="flex h-full min-h-0 flex-col bg-bg">
      <header className="flex min-h-8 shrink-0 flex-wrap items-center gap-x-3 border-b border-l-2 border-l-warn bg-raised px-3 py-0.5 text-xs">
        <span className="font-semibold">Run of round {run.round}</span>
        {workspace ? <RunState workspace={workspace} /> : null}
        <span className="min-w-0 flex-1 truncate text-muted">
          Thrown away when you close it or nobody uses it. Nothing you do here reaches the author.
        </span>
        <a
          href={`/s/${id}/?run=${review.id}`}
          target="_blank"
          rel="noopener"
          className="inline-flex items-center gap-1 text-accent underline [&_svg]:size-3.5"
        >
          Files and editor <ExternalLink aria-hidden />
        </a>
        <Button variant="ghost" className="h-6!" busy={control.busy} onClick={() => void control.discard()}>
          <Trash2 aria-hidden className="size-3.5" /> Throw away
        </Button>
        <IconButton label="Hide the run" onClick={onHide}>
          <X />
        </IconButton>
      </header>
      <div className="min-h-0 flex-1">
        {gone || elsewhere ? (
          <Failure
            title={gone ? 'This run has ended' : 'Another server has this run'}
            actions={
              <Button onClick={() => void client.invalidateQueries({ queryKey: runKey(review.id) })}>
                Look again
              </Button>
            }
          />
        ) : session.isError && !session.data ? (
          <Failure
            title="The run could not be opened"
            actions={<Button onClick={() => void session.refetch()}>Try again</Button>}
          >
            {messageOf(session.error)}
          </Failure>
        ) : workspace ? (
          <WorkspaceContext value={workspace}>
            <TerminalPanel />
          </WorkspaceContext>
        ) : (
          <Loading>Opening the run…</Loading>
        )}
      </div>
    </section>
  );
}

function RunState({ workspace }: { workspace: Workspace }) {
  const { state } = useStore(workspace.session);
  return <StateBadge state={state} />;
}
