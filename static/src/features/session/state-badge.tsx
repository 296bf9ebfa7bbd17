/** A session's state as a dot and a word. */
import type { SessionState } from '@/api/types';
import { cx } from '@/lib/cx';

const LOOKS: Record<SessionState, { word: string; dot: string }> = {
  cold: { word: 'Stopped', dot: 'bg-faint' },
  starting: { word: 'Starting', dot: 'bg-warn animate-pulse' },
  ready: { word: 'Running', dot: 'bg-ok' },
  stopping: { word: 'Stopping', dot: 'bg-warn animate-pulse' },
  deleted: { word: 'Deleted', dot: 'bg-faint' },
  failed: { word: 'Failed', dot: 'bg-danger' },
};

export function StateBadge({ state }: { state: SessionState }) {
  const { word, dot } = LOOKS[state];
  return (
    <span
      className="inline-flex items-center gap-1.5 text-xs whitespace-nowrap text-muted"
      data-state={state}
    >
      <span aria-hidden className={cx('size-2 rounded-full', dot)} />
      {word}
    </span>
  );
}
