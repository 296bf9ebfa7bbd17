/** What stands in the terminal's place while the session does not run: progress, stop or failure. */
'use client';

import { Check, Moon, Play, RotateCw } from 'lucide-react';
import { Button } from '@/components/button';
import { Empty, Failure, Loading, Spinner } from '@/components/states';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { adviceFor, reasonWords, stoppedWords } from './reason';
import { STAGES, type Progress, type Stage } from './events';

const STAGE_WORDS: Record<Stage, string> = {
  queued: 'Waiting for a place',
  image: 'Preparing the Python image',
  container: 'Starting the sandbox',
  agent: 'Connecting to it',
  restore: 'Restoring your files',
  ready: 'Ready',
};

export function SessionStatus() {
  const workspace = useWorkspace();
  const { state, reason } = useStore(workspace.session);
  const progress = useStore(workspace.progress);
  const refusal = useStore(workspace.refusal);

  const restart = (
    <Button onClick={() => void workspace.restart()}>
      <RotateCw aria-hidden className="size-3.5" /> Restart
    </Button>
  );
  const open = (
    <Button variant="primary" onClick={() => void workspace.start()}>
      <Play aria-hidden className="size-3.5" /> Open
    </Button>
  );

  // Opening one that has failed tries again, and gives nothing up; restarting it may, and asks.
  const afterFailure = (
    <>
      {open}
      {restart}
    </>
  );

  if (refusal !== null) {
    return (
      <Failure title="The session could not be started" actions={state === 'failed' ? afterFailure : open}>
        {displayName(refusal)}
      </Failure>
    );
  }
  switch (state) {
    case 'failed':
      return (
        <Failure title="The session failed" actions={afterFailure}>
          <p>{reasonWords(reason) || 'No reason was given.'}</p>
          <p className="mt-1">{adviceFor(reason)} Your files are safe.</p>
        </Failure>
      );
    case 'cold':
      return (
        <Empty icon={<Moon aria-hidden />} title={stoppedWords(state, reason)} actions={open}>
          <p>{adviceFor(reason)}</p>
          <p>Your files are kept and can be edited. Open the session to run them.</p>
        </Empty>
      );
    case 'deleted':
      return <Loading>Deleting…</Loading>;
    case 'stopping':
      return <Loading>Stopping…</Loading>;
    case 'starting':
    case 'ready':
      return <StartProgress progress={progress} />;
  }
}

function StartProgress({ progress }: { progress: Progress | null }) {
  const current = progress ? STAGES.indexOf(progress.stage) : 0;
  return (
    <div
      role="status"
      aria-label="Starting the session"
      className="flex h-full items-center justify-center p-4"
    >
      <ol className="flex flex-col gap-1.5">
        {STAGES.slice(0, -1).map((stage, index) => {
          const done = index < current;
          const now = index === current;
          return (
            <li
              key={stage}
              aria-current={now ? 'step' : undefined}
              className={cx('flex items-center gap-2', now ? 'text-fg' : done ? 'text-muted' : 'text-faint')}
            >
              <span className="flex size-4 items-center justify-center">
                {done ? (
                  <Check aria-hidden className="size-4 text-ok" />
                ) : now ? (
                  <Spinner />
                ) : (
                  <span aria-hidden className="size-1.5 rounded-full bg-line-strong" />
                )}
              </span>
              <span>
                {STAGE_WORDS[stage]}
                {now && progress ? <Detail progress={progress} /> : null}
              </span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function Detail({ progress }: { progress: Progress }) {
  const { text, done, total } = progress;
  const count =
    done !== null && total !== null && total > 0
      ? `${Math.min(100, Math.round((done / total) * 100))} %`
      : '';
  const words = [displayName(text), count].filter(Boolean).join(' · ');
  return words ? <span className="text-faint"> — {words}</span> : null;
}
