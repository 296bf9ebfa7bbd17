/**
 * Saves one file: one write at a time, truthfully.
 *
 * `saved → dirty → saving → saved`, with `retrying` (the server or the network is away: same text again, later),
 * `failed` (the server said no: waits for the user or the next edit) and `conflict` (somebody else wrote: nothing
 * is written until the user has decided).
 *
 * **Invariants**: at most one write is in flight; `saved` means that exactly the present text was acknowledged, and
 * that no write is on its way, or may have arrived, that has not been answered.
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
  /** A write was acknowledged; comes before the state that follows from it. */
  onWritten: (etag: string) => void;
  /** 412: tells what is there now, which may be one of `ours` whose answer got lost, or still what was `expected`. */
  lookAgain: (ours: readonly string[], expected: string) => Promise<Found>;
}

export type Found =
  | { kind: 'ours'; text: string; etag: string }
  /** What was expected: the file had another name when it was written. */
  | { kind: 'base' }
  | { kind: 'theirs' }
  | { kind: 'nothing' };

export class FileSaver {
  private state: SaveState = { kind: 'saved' };
  private savedVersion: number;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private running: Promise<void> | null = null;
  private attempt = 0;
  private paused = false;
  private disposed = false;
  /** Text of a write that was never answered: it may be there, or arrive yet. */
  private unanswered: string | null = null;

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
    if (this.state.kind === 'conflict' || this.state.kind === 'retrying' || this.running) return;
    if (!this.dirty && this.base !== 'absent' && this.unanswered === null) {
      this.clearTimer();
      return this.setState({ kind: 'saved' });
    }
    this.setState({ kind: 'dirty' });
    this.schedule(AUTOSAVE_MS);
  }

  /** Saves now; resolves to whether everything typed before the call is acknowledged. */
  async flush(): Promise<boolean> {
    if (this.running) await this.running;
    if (this.state.kind === 'conflict') return false;
    if (this.dirty || this.base === 'absent' || this.unanswered !== null) await this.run();
    return this.savedNow();
  }

  /** As `pause`; resolves when no write is in flight any more. */
  async quiet(): Promise<void> {
    this.pause();
    await this.running;
  }

  /** Stops saving by itself until `rebase` or an explicit `flush`, because the file changed outside. */
  pause(): void {
    this.paused = true;
    this.clearTimer();
  }

  /** The file is gone: there is nothing left to be in conflict with. */
  gone(): void {
    this.pause();
    if (this.state.kind === 'conflict') this.setState({ kind: 'dirty' });
  }

  /** The text is now based on this content; `clean` when it also equals it. */
  rebase(base: Precondition, clean: boolean): void {
    this.base = base;
    this.paused = false;
    this.attempt = 0;
    this.unanswered = null;
    this.clearTimer();
    if (clean) this.savedVersion = this.deps.buffer.version();
    this.setState({ kind: clean ? 'saved' : 'dirty' });
    if (!clean) this.schedule(AUTOSAVE_MS);
  }

  /** Writes the present text over this content, whatever was typed since; resolves as `flush`. */
  writeOver(base: Precondition): Promise<boolean> {
    this.rebase(base, false);
    this.markDirty();
    return this.flush();
  }

  /** Marks the present text as never saved, for a restored draft: saved at the next key or when asked to. */
  markDirty(): void {
    this.savedVersion = Number.NaN;
    this.clearTimer();
    this.setState({ kind: 'dirty' });
  }

  /**
   * The last of this saver: what would have been written in a moment is written now. Resolves to whether all text
   * is acknowledged, and the buffer is not needed after that.
   */
  async leave(): Promise<boolean> {
    const due = this.timer !== null || this.running !== null;
    this.dispose();
    return due ? this.flush() : this.savedNow();
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

  private async write(again = false): Promise<void> {
    const { buffer } = this.deps;
    const version = buffer.version();
    const text = buffer.text();
    this.setState({ kind: 'saving' });
    try {
      const { etag } = await this.deps.write(text, this.base);
      this.saved(version, etag);
    } catch (error) {
      await this.refused(error, version, text, again);
    }
  }

  private saved(version: number, etag: string): void {
    this.base = { etag };
    this.savedVersion = version;
    this.attempt = 0;
    this.paused = false;
    this.unanswered = null;
    this.deps.onWritten(etag);
    this.setState({ kind: this.dirty ? 'dirty' : 'saved' });
  }

  private async refused(error: unknown, version: number, text: string, again: boolean): Promise<void> {
    const problem = error instanceof ApiError ? error : null;
    if (problem?.status === 412) return this.preconditionFailed(version, text, again);
    if (problem?.transient) {
      this.unanswered = text;
      this.setState({ kind: 'retrying', message: problem.message });
    } else {
      this.setState({ kind: 'failed', message: messageOf(error) });
    }
  }

  private async preconditionFailed(version: number, text: string, again: boolean): Promise<void> {
    const ours = this.unanswered === null ? [text] : [text, this.unanswered];
    const found = await this.deps.lookAgain(ours, this.etag).catch((): Found => ({ kind: 'theirs' }));
    // Once: a file that is twice what is expected and not what is written over is nothing we understand.
    if (found.kind === 'base' && !again) return this.write(true);
    this.unanswered = null;
    if (found.kind === 'ours') {
      // An earlier write of ours did arrive: the present text goes on top of it.
      return this.saved(found.text === text ? version : Number.NaN, found.etag);
    }
    if (found.kind !== 'nothing') return this.setState({ kind: 'conflict' });
    this.pause();
    this.setState({ kind: 'dirty' });
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
