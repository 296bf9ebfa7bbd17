/** Uploads under way, below the tree: progress in all and of each file, what failed, what was interrupted. */
'use client';

import { Check, CircleAlert, X } from 'lucide-react';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { Spinner } from '@/components/states';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { formatBytes } from '@/lib/format';
import { namesOf } from '@/lib/names';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { ConflictQuestion } from './conflict-question';
import type { UploadRow, UploadStatus, UploadsState } from './upload-state';

export function UploadPanel({ onChoose }: { onChoose: () => void }) {
  const { uploads } = useWorkspace().services;
  const state = useStore(uploads.state);
  const [open, setOpen] = useState(true);
  if (state.count === 0) {
    return state.interrupted.length > 0 ? (
      <Interrupted
        paths={state.interrupted}
        onChoose={onChoose}
        onForget={() => uploads.forgetInterrupted()}
      />
    ) : null;
  }
  const part = progressOf(state);
  return (
    <section aria-label="Uploads" className="flex max-h-[45%] shrink-0 flex-col border-t bg-panel">
      <header className="flex h-8 shrink-0 items-center gap-1 pr-1.5 pl-3">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="min-w-0 flex-1 truncate text-left text-xs font-medium"
        >
          <span role="status">{headline(state)}</span>
        </button>
        {state.failed > 0 && !state.busy ? (
          <Button variant="ghost" className="h-6 px-1.5 text-xs" onClick={() => uploads.retryFailed()}>
            Try again
          </Button>
        ) : null}
        {state.busy ? (
          <Button variant="ghost" className="h-6 px-1.5 text-xs" onClick={() => uploads.cancelAll()}>
            Cancel
          </Button>
        ) : (
          <IconButton label="Close the uploads" onClick={() => uploads.clear()}>
            <X />
          </IconButton>
        )}
      </header>
      {state.busy ? <Bar label="All uploads" part={part} className="mx-3 mb-1" /> : null}
      {open ? (
        <ul className="min-h-0 overflow-auto pb-1.5" aria-label="Files that are uploaded">
          {state.rows.map((row) => (
            <Row key={row.key} row={row} onCancel={() => uploads.cancel(row.key)} />
          ))}
          {state.count > state.rows.length ? (
            <li className="px-3 py-0.5 text-2xs text-faint">and {state.count - state.rows.length} more</li>
          ) : null}
        </ul>
      ) : null}
      <ConflictQuestion
        question={state.question}
        onAnswer={(answer, all) => uploads.answer(answer, all)}
        onCancelAll={() => uploads.cancelAll()}
      />
    </section>
  );
}

function progressOf({ size, sent, settled, count }: UploadsState): number {
  return size > 0 ? sent / size : settled / count;
}

function headline(state: UploadsState): string {
  const files = (count: number): string => `${count} ${count === 1 ? 'file' : 'files'}`;
  if (state.busy) {
    return `Uploading ${files(state.count)} · ${Math.floor(progressOf(state) * 100)} %`;
  }
  if (state.failed > 0) return `${state.failed} of ${files(state.count)} failed`;
  return `${files(state.saved)} uploaded`;
}

function Row({ row, onCancel }: { row: UploadRow; onCancel: () => void }) {
  const { path, size, sent, status } = row;
  const name = displayName(baseName(path));
  const going = status.kind === 'sending' || status.kind === 'retrying';
  const problem = status.kind === 'failed' || status.kind === 'retrying' ? status.message : null;
  return (
    <li className="flex min-h-6 flex-col justify-center py-0.5 pr-1.5 pl-3 text-xs" data-upload={status.kind}>
      <div className="flex items-center gap-1.5">
        <StatusIcon status={status} />
        <span className="min-w-0 flex-1 truncate" title={displayName(path)}>
          {name}
        </span>
        <span className="shrink-0 text-2xs text-faint tabular-nums">
          {going && size > 0 ? `${Math.floor((sent / size) * 100)} %` : wordOf(status, size)}
        </span>
        {going || status.kind === 'waiting' || status.kind === 'asking' ? (
          <IconButton label={`Cancel ${name}`} className="size-5" onClick={onCancel}>
            <X />
          </IconButton>
        ) : null}
      </div>
      {status.kind === 'sending' && size > 0 ? (
        <Bar label={name} part={sent / size} className="mr-6" />
      ) : null}
      {problem !== null ? (
        <p className={cx('pl-5 text-2xs', status.kind === 'failed' ? 'text-danger' : 'text-warn')}>
          {problem}
        </p>
      ) : null}
    </li>
  );
}

function StatusIcon({ status }: { status: UploadStatus }) {
  const size = 'size-3.5 shrink-0';
  if (status.kind === 'done') return <Check aria-hidden className={cx(size, 'text-ok')} />;
  if (status.kind === 'failed') return <CircleAlert aria-hidden className={cx(size, 'text-danger')} />;
  if (status.kind === 'sending' || status.kind === 'retrying') return <Spinner className="size-3.5" />;
  return <span aria-hidden className={cx('inline-block', size)} />;
}

function wordOf(status: UploadStatus, size: number): string {
  switch (status.kind) {
    case 'asking':
      return 'is there already';
    case 'skipped':
      return 'skipped';
    case 'cancelled':
      return 'cancelled';
    case 'retrying':
      return 'waiting';
    case 'failed':
      return 'failed';
    case 'waiting':
    case 'sending':
    case 'done':
      return size > 0 ? formatBytes(size) : '';
  }
}

function Bar({ label, part, className }: { label: string; part: number; className: string }) {
  const percent = Math.min(100, Math.round(part * 100));
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className={cx(
        'h-1 shrink-0 overflow-hidden rounded-full bg-hover ring-1 ring-line ring-inset',
        className,
      )}
    >
      <div className="h-full rounded-full bg-accent" style={{ width: `${percent}%` }} />
    </div>
  );
}

interface InterruptedProps {
  paths: readonly string[];
  onChoose: () => void;
  onForget: () => void;
}

/** The browser forgets the files with the page; the server keeps what it has, and goes on with the same ones. */
function Interrupted({ paths, onChoose, onForget }: InterruptedProps) {
  return (
    <section aria-label="Uploads" className="shrink-0 border-t bg-panel px-3 py-2 text-xs">
      <p>
        {namesOf(paths)} {paths.length === 1 ? 'was' : 'were'} not uploaded to the end. Choose{' '}
        {paths.length === 1 ? 'the same file' : 'the same files'} again to go on.
      </p>
      <div className="mt-1.5 flex gap-1.5">
        <Button onClick={onChoose}>Choose…</Button>
        <Button variant="ghost" onClick={onForget}>
          Forget
        </Button>
      </div>
    </section>
  );
}
