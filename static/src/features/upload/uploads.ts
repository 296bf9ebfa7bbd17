/**
 * The uploads of one open workspace: a few at a time, each until it is saved, given up, or refused.
 *
 * **Invariant**: a file is sent only after what it would replace was agreed on, and the user was told beforehand when
 * there is no room for all.
 */
import { messageOf } from '@/api/problem';
import { formatBytes } from '@/lib/format';
import { namesOf } from '@/lib/names';
import { joinPath } from '@/lib/paths';
import { Store } from '@/lib/store';
import type { Collected } from './collect';
import { TakenError, sendFile, type Wire } from './send-file';
import type { UploadMemory } from './upload-memory';
import {
  NO_UPLOADS,
  isSettled,
  summary,
  type ConflictAnswer,
  type UploadRow,
  type UploadsState,
} from './upload-state';

/** Files sent at a time: enough to hide the round trips of small ones, few enough to leave room for other requests. */
const PARALLEL = 3;

/** How often progress is drawn. */
const PUBLISH_MS = 100;

export interface UploadSurroundings {
  wire: Wire;
  memory: UploadMemory;
  makeFolder: (path: string) => Promise<void>;
  give: (id: string) => Promise<void>;
  /** Bytes that still fit into the workspace. */
  room: () => number;
  /** Bytes the largest file may have. */
  largest: () => number;
  /** A path in the same folder at which there is nothing, neither now nor after the uploads under way. */
  freePath: (path: string, planned: ReadonlySet<string>) => string;
}

interface Job extends UploadRow {
  /** `null`: an empty folder. */
  file: File | null;
  replace: boolean;
  resume: string | null;
  abort: AbortController;
  answer: ((answer: ConflictAnswer) => void) | null;
}

export class Uploads {
  readonly state = new Store<UploadsState>(NO_UPLOADS);
  private jobs: Job[] = [];
  private active = 0;
  private nextKey = 1;
  /** What the user said is to be done with all that are there already. */
  private forAll: ConflictAnswer | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private disposed = false;

  constructor(private readonly around: UploadSurroundings) {
    this.publishNow();
  }

  /** Takes what was chosen into a folder; resolves to why nothing of it was taken, or `null`. */
  add({ files, folders }: Collected, folder: string): string | null {
    const size = files.reduce((sum, { file }) => sum + file.size, 0);
    const pending = this.jobs.reduce(
      (sum, job) => (isSettled(job.status) ? sum : sum + job.size - job.sent),
      0,
    );
    const room = Math.max(0, this.around.room() - pending);
    if (size > room) {
      const words = `${formatBytes(size)} are to be uploaded, and there is room for ${formatBytes(room)}.`;
      return `${words} Nothing was sent. Delete what is not needed, or choose less.`;
    }
    if (!this.state.get().busy) {
      // What is over makes way; an answer for all was for those.
      this.jobs = [];
      this.forAll = null;
    }
    const largest = this.around.largest();
    for (const { path, file } of files) {
      const to = joinPath(folder, path);
      const job = this.blank(to);
      if (file.size > largest) {
        const message = `It has ${formatBytes(file.size)}; a file may have ${formatBytes(largest)} at the most.`;
        job.status = { kind: 'failed', message };
      }
      this.jobs.push({
        ...job,
        file,
        size: file.size,
        resume: this.around.memory.find(to, file)?.id ?? null,
      });
    }
    for (const path of folders) this.jobs.push(this.blank(joinPath(folder, path)));
    this.pump();
    return null;
  }

  /** Goes on with what an earlier visit has left unfinished; resolves to why something was not taken, or `null`. */
  continueWith({ files }: Collected): string | null {
    const known = files.map(({ file }) => ({ file, path: this.around.memory.findByName(file)?.path }));
    const mine = known.flatMap(({ file, path }) => (path === undefined ? [] : [{ file, path }]));
    const others = known.filter(({ path }) => path === undefined).map(({ file }) => file.name);
    const words = others.length === 1 ? 'is not what was' : 'are not what was';
    const refused =
      mine.length > 0 ? this.add({ files: mine, folders: [], truncated: false, unreadable: [] }, '') : null;
    return refused ?? (others.length > 0 ? `${namesOf(others)} ${words} sent before.` : null);
  }

  /** The user's answer to the question in `state`. */
  answer(answer: ConflictAnswer, all: boolean): void {
    if (all) this.forAll = answer;
    for (const job of this.jobs.filter(({ status }) => status.kind === 'asking')) {
      job.answer?.(answer);
      if (!all) break;
    }
    this.publishNow();
  }

  cancel(key: number): void {
    const job = this.jobs.find((one) => one.key === key);
    if (job && !isSettled(job.status)) this.giveUp(job);
    this.pump();
  }

  cancelAll(): void {
    for (const job of this.jobs) if (!isSettled(job.status)) this.giveUp(job);
    this.pump();
  }

  /** Tries once more what has failed. */
  retryFailed(): void {
    for (const job of this.jobs) if (job.status.kind === 'failed') job.status = { kind: 'waiting' };
    this.pump();
  }

  /** Forgets what is over. */
  clear(): void {
    this.jobs = this.jobs.filter(({ status }) => !isSettled(status));
    this.publishNow();
  }

  /** Gives up what an earlier visit has left unfinished. */
  forgetInterrupted(): void {
    for (const { id } of this.interrupted()) {
      this.around.memory.forget(id);
      void this.around.give(id).catch(() => undefined);
    }
    this.publishNow();
  }

  /** Leaves what is unfinished where it is: it can be continued for a day. */
  dispose(): void {
    this.disposed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    for (const { abort } of this.jobs) abort.abort();
  }

  private blank(path: string): Job {
    const [key, status] = [this.nextKey++, { kind: 'waiting' } as const];
    const abort = new AbortController();
    return {
      key,
      path,
      size: 0,
      sent: 0,
      status,
      file: null,
      replace: false,
      resume: null,
      abort,
      answer: null,
    };
  }

  private giveUp(job: Job): void {
    job.status = { kind: 'cancelled' };
    job.abort.abort();
    job.answer?.('skip');
    if (job.resume !== null) {
      this.around.memory.forget(job.resume);
      void this.around.give(job.resume).catch(() => undefined);
    }
  }

  private pump(): void {
    while (!this.disposed && this.active < PARALLEL) {
      const job = this.jobs.find(({ status }) => status.kind === 'waiting');
      if (!job) break;
      this.active += 1;
      job.status = { kind: 'sending' };
      void this.run(job).finally(() => {
        this.active -= 1;
        this.pump();
      });
    }
    this.publishNow();
  }

  private async run(job: Job): Promise<void> {
    try {
      if (job.file === null) await this.around.makeFolder(job.path);
      else while (!(await this.sent(job, job.file)));
      if (job.status.kind === 'sending') job.status = { kind: 'done' };
    } catch (error) {
      if (!isSettled(job.status)) job.status = { kind: 'failed', message: messageOf(error) };
    }
    if (job.resume !== null && job.status.kind === 'done') this.around.memory.forget(job.resume);
  }

  /** Whether the job is over; if not, it goes on as the user has answered. */
  private async sent(job: Job, file: File): Promise<boolean> {
    try {
      await sendFile(this.around.wire, {
        path: job.path,
        file,
        replace: job.replace,
        resume: job.resume,
        signal: job.abort.signal,
        onBegun: (id) => {
          job.resume = id;
          this.around.memory.keep(id, job.path, file);
        },
        onProgress: (sent) => {
          job.sent = sent;
          job.status = { kind: 'sending' };
          this.publish();
        },
        onTrouble: (message) => {
          job.status = { kind: 'retrying', message };
          this.publish();
        },
      });
      return true;
    } catch (error) {
      if (!(error instanceof TakenError)) throw error;
      return this.decide(job);
    }
  }

  private async decide(job: Job): Promise<boolean> {
    const answer = this.forAll ?? (await this.ask(job));
    if (job.abort.signal.aborted) return true;
    if (answer === 'skip') {
      job.status = { kind: 'skipped' };
      return true;
    }
    // What was begun for another path, or without leave to replace, is of no use any more.
    if (job.resume !== null) {
      this.around.memory.forget(job.resume);
      void this.around.give(job.resume).catch(() => undefined);
      job.resume = null;
    }
    if (answer === 'replace') job.replace = true;
    else job.path = this.around.freePath(job.path, new Set(this.jobs.map(({ path }) => path)));
    job.status = { kind: 'sending' };
    this.publish();
    return false;
  }

  private ask(job: Job): Promise<ConflictAnswer> {
    job.status = { kind: 'asking' };
    this.publishNow();
    return new Promise((resolve) => {
      job.answer = (answer) => {
        job.answer = null;
        if (job.status.kind === 'asking') job.status = { kind: 'sending' };
        resolve(answer);
      };
    });
  }

  private interrupted(): { id: string; path: string }[] {
    const running = new Set(this.jobs.map(({ resume }) => resume));
    return this.around.memory.all().filter(({ id }) => !running.has(id));
  }

  private publish(): void {
    this.timer ??= setTimeout(() => this.publishNow(), PUBLISH_MS);
  }

  private publishNow(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.disposed) return;
    const rows = this.jobs.map(({ key, path, size, sent, status }) => ({ key, path, size, sent, status }));
    this.state.set(
      summary(
        rows,
        this.interrupted().map(({ path }) => path),
      ),
    );
  }
}
