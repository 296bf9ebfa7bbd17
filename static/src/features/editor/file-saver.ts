/**
 * Saves one file: one write at a time, truthfully.
 *
 * `saved → dirty → saving → saved`, with `retrying` (the server or the network is away: same text again, later),
 * `failed` (the server said no: waits for the user or the next edit) and `conflict` (somebody else wrote: nothing
 * is written until the user has decided).
 *
 * **Invariants**: at most one write is in flight; `saved` means that exactly the present text was acknowledged.
 */
import { ApiError, messageOf } from '@/api/problem';
import type { Precondition, WriteResult } from '@/api/files';
import { backoffDelay } from '@/lib/backoff';
import type { TextBuffer } from './text-buffer';

/** Pause after the last key before a file saves itself. */
export const AUTOSAVE_MS = 1_500;

/** Added to each retry delay: a save may wait longer than a socket, but not be forgotten. */
export const RETRY_FLOOR_MS = 400;

export type SaveState =
  | { kind: 'saved' }
  | { kind: 'dirty' }
  | { kind: 'saving' }
  | { kind: 'retrying'; message: string }
  | { kind: 'failed'; message: string }
  | { kind: 'conflict' };

export interface SaverDeps {
  buffer: TextBuffer;
  write: (text: string, expect: Precondition) => Promise<WriteResult>;
  onState: (state: SaveState) => void;
  /** 412: tells whether what is there now is just what we tried to write (an answer got lost), and its tag. */
  isOurs: (text: string) => Promise<string | null>;
}

export class FileSaver {
  private state: SaveState = { kind: 'saved' };
  private savedVersion: number;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private running: Promise<void> | null = null;
  private attempt = 0;
  private paused = false;
  private disposed = false;

  constructor(
    private readonly deps: SaverDeps,
    private base: Precondition,
  ) {
    this.savedVersion = deps.buffer.version();
  }

  get current(): SaveState {
    return this.state;
  }

  /** Tag of the content this text was made from; empty for a file that is not there. */
  get etag(): string {
    return typeof this.base === 'object' ? this.base.etag : '';
  }

  get busy(): boolean {
    return this.running !== null;
  }

  get dirty(): boolean {
    return this.deps.buffer.version() !== this.savedVersion;
  }

  /** The user changed the text. */
  edited(): void {
    if (this.state.kind === 'conflict' || this.running) return;
    if (!this.dirty && this.base !== 'absent') {
      this.clearTimer();
      return this.setState({ kind: 'saved' });
    }
    if (this.state.kind === 'retrying') return;
    this.setState({ kind: 'dirty' });
    this.schedule(AUTOSAVE_MS);
  }

  /** Saves now; resolves to whether everything typed before the call is acknowledged. */
  async flush(): Promise<boolean> {
    if (this.running) await this.running;
    if (this.state.kind === 'conflict') return false;
    if (this.dirty || this.base === 'absent') await this.run();
    return this.savedNow();
  }

  /** Stops saving by itself until `rebase` or an explicit `flush`, because the file changed outside. */
  pause(): void {
    this.paused = true;
    this.clearTimer();
  }

  /** The text is now based on this content; `clean` when it also equals it. */
  rebase(base: Precondition, clean: boolean): void {
    this.base = base;
    this.paused = false;
    this.attempt = 0;
    this.clearTimer();
    if (clean) this.savedVersion = this.deps.buffer.version();
    this.setState({ kind: clean ? 'saved' : 'dirty' });
    if (!clean) this.schedule(AUTOSAVE_MS);
  }

  /** Marks the present text as never saved, for a restored draft. */
  markDirty(): void {
    this.savedVersion = Number.NaN;
    this.setState({ kind: 'dirty' });
    this.schedule(AUTOSAVE_MS);
  }

  dispose(): void {
    this.disposed = true;
    this.clearTimer();
  }

  private savedNow(): boolean {
    return !this.dirty && this.state.kind === 'saved';
  }

  private run(): Promise<void> {
    this.clearTimer();
    this.running ??= this.write().finally(() => {
      this.running = null;
      this.after();
    });
    return this.running;
  }

  private async write(): Promise<void> {
    const { buffer } = this.deps;
    const version = buffer.version();
    const text = buffer.text();
    this.setState({ kind: 'saving' });
    try {
      const { etag } = await this.deps.write(text, this.base);
      this.saved(version, etag);
    } catch (error) {
      await this.refused(error, version, text);
    }
  }

  private saved(version: number, etag: string): void {
    this.base = { etag };
    this.savedVersion = version;
    this.attempt = 0;
    this.paused = false;
    this.setState({ kind: this.dirty ? 'dirty' : 'saved' });
  }

  private async refused(error: unknown, version: number, text: string): Promise<void> {
    const problem = error instanceof ApiError ? error : null;
    if (problem?.status === 412) {
      const etag = await this.deps.isOurs(text).catch(() => null);
      if (etag !== null) return this.saved(version, etag);
      return this.setState({ kind: 'conflict' });
    }
    if (problem?.transient) this.setState({ kind: 'retrying', message: problem.message });
    else this.setState({ kind: 'failed', message: messageOf(error) });
  }

  /** What comes next once a write has ended. */
  private after(): void {
    if (this.state.kind === 'retrying') {
      this.schedule(RETRY_FLOOR_MS + backoffDelay(this.attempt));
      this.attempt += 1;
    } else if (this.state.kind === 'dirty') {
      this.schedule(AUTOSAVE_MS);
    }
  }

  private schedule(delay: number): void {
    this.clearTimer();
    if (this.paused || this.disposed) return;
    this.timer = setTimeout(() => void this.run(), delay);
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private setState(state: SaveState): void {
    this.state = state;
    if (!this.disposed) this.deps.onState(state);
  }
}
