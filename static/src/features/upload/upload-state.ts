/** What is known of the uploads of a session, as React shows it. */

export type UploadStatus =
  | { kind: 'waiting' }
  | { kind: 'sending' }
  /** The connection has broken, or the server is short of breath: it goes on by itself. */
  | { kind: 'retrying'; message: string }
  /** Something is there already, and the user is asked what to do. */
  | { kind: 'asking' }
  | { kind: 'done' }
  | { kind: 'failed'; message: string }
  | { kind: 'skipped' }
  | { kind: 'cancelled' };

export interface UploadRow {
  key: number;
  path: string;
  size: number;
  sent: number;
  status: UploadStatus;
}

/** What to do about something that is there already. */
export type ConflictAnswer = 'replace' | 'keep_both' | 'skip';

export interface UploadsState {
  /** Those to be looked at first: under way and failed, then waiting, then done; bounded. */
  rows: readonly UploadRow[];
  count: number;
  /** Saved, skipped or given up. */
  settled: number;
  saved: number;
  failed: number;
  size: number;
  sent: number;
  /** Whether anything is still to be sent. */
  busy: boolean;
  /** What the user is asked about, and how many more may be. */
  question: { path: string; others: number } | null;
  /** Uploads of an earlier visit that can be continued with the same files. */
  interrupted: readonly string[];
}

export const NO_UPLOADS: UploadsState = {
  rows: [],
  count: 0,
  settled: 0,
  saved: 0,
  failed: 0,
  size: 0,
  sent: 0,
  busy: false,
  question: null,
  interrupted: [],
};

/** Rows shown; the rest is only counted. */
export const MOST_ROWS = 60;

const ORDER: Record<UploadStatus['kind'], number> = {
  asking: 0,
  sending: 1,
  retrying: 1,
  failed: 2,
  waiting: 3,
  done: 4,
  skipped: 4,
  cancelled: 5,
};

export function isSettled({ kind }: UploadStatus): boolean {
  return kind === 'done' || kind === 'failed' || kind === 'skipped' || kind === 'cancelled';
}

export function summary(all: readonly UploadRow[], interrupted: readonly string[]): UploadsState {
  const live = all.filter(({ status }) => status.kind !== 'cancelled' && status.kind !== 'skipped');
  const asking = all.filter(({ status }) => status.kind === 'asking');
  const counted = (kind: UploadStatus['kind']): number =>
    all.filter(({ status }) => status.kind === kind).length;
  const waiting = counted('waiting');
  return {
    rows: all
      .map((row) => ({ ...row }))
      .sort((a, b) => ORDER[a.status.kind] - ORDER[b.status.kind] || a.key - b.key)
      .slice(0, MOST_ROWS),
    count: all.length,
    settled: all.filter(({ status }) => isSettled(status)).length,
    saved: counted('done'),
    failed: counted('failed'),
    size: live.reduce((sum, { size }) => sum + size, 0),
    sent: live.reduce((sum, { sent }) => sum + sent, 0),
    busy: all.some(({ status }) => !isSettled(status)),
    question: asking[0] ? { path: asking[0].path, others: asking.length - 1 + waiting } : null,
    interrupted,
  };
}
