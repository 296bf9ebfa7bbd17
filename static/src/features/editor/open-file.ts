/**
 * One open file: its text, its saver, its draft, and what has happened to it outside.
 *
 * `loading → ready | unsupported | failed`. Everything React shows is in `state`, an immutable snapshot.
 */
import { ApiError, messageOf } from '@/api/problem';
import type { FileContent, Precondition, WriteResult } from '@/api/files';
import type { Item } from '@/api/types';
import { Refresher } from '@/lib/refresher';
import { Store } from '@/lib/store';
import type { Draft, Drafts } from './drafts';
import { FileSaver, type Found, type SaveState } from './file-saver';
import { LARGEST_TEXT_BYTES, bareEtag, decodeText, encodeText, sameBytes } from './file-text';
import type { TextBuffer } from './text-buffer';

/** How long after a key the draft is written: what a crash can cost. */
export const DRAFT_DELAY_MS = 400;

/** Saves of ours whose events may still be on their way; more than that within a second or so nobody makes. */
const MOST_ECHOES = 8;

export type Phase =
  | { kind: 'loading' }
  | { kind: 'ready' }
  | { kind: 'unsupported'; why: 'large' | 'binary'; size: number }
  | { kind: 'failed'; message: string; missing: boolean };

/** What happened to the file while we had unsaved edits (or, for `deleted`, at all). */
export type Outside = 'changed' | 'deleted' | null;

export interface FileState {
  path: string;
  phase: Phase;
  save: SaveState;
  outside: Outside;
  /** When the draft was written that this text was restored from, until the user has kept or given it up. */
  restoredAt: number | null;
  /** The file has changed, and what it is now could not be read yet. */
  stale: boolean;
}

export interface FileBackend {
  read(path: string): Promise<FileContent>;
  write(path: string, bytes: Uint8Array<ArrayBuffer>, expect: Precondition): Promise<WriteResult>;
  createBuffer(path: string, text: string): Promise<TextBuffer>;
  drafts: Drafts;
  /** The server kept the other version beside ours. */
  onConflictCopy: (path: string) => void;
}

export class OpenFile {
  readonly state: Store<FileState>;
  buffer: TextBuffer | null = null;
  private saver: FileSaver | null = null;
  private draftTimer: ReturnType<typeof setTimeout> | null = null;
  private unsubscribe: (() => void) | null = null;
  private disposed = false;
  /** A change seen while we were reading or saving: looked at when that has ended. */
  private pending: { item: Item | null } | null = null;
  /** Tags of our own saves whose events have not come yet; those come in order. */
  private echoes: string[] = [];
  /** What the tree said last of the file's size. */
  private size: number | null = null;
  private readonly refresher = new Refresher(
    () => (this.saver ? this.reload(false) : this.load(this.size)),
    (stale) => this.patch({ stale }),
  );

  constructor(
    path: string,
    private readonly backend: FileBackend,
  ) {
    this.state = new Store<FileState>({
      path,
      phase: { kind: 'loading' },
      save: { kind: 'saved' },
      outside: null,
      restoredAt: null,
      stale: false,
    });
  }

  get path(): string {
    return this.state.get().path;
  }

  /** Whether closing the page now would lose text the server has not acknowledged. */
  get unsaved(): boolean {
    return this.saver !== null && (this.saver.dirty || this.state.get().save.kind !== 'saved');
  }

  /** Whether the user is to say something before this text may be written. */
  get undecided(): boolean {
    const { outside, restoredAt } = this.state.get();
    return outside !== null || restoredAt !== null;
  }

  async load(size: number | null): Promise<void> {
    if (size !== null && size > LARGEST_TEXT_BYTES) return this.unsupported('large', size);
    this.patch({ phase: { kind: 'loading' } });
    try {
      const draft = await this.backend.drafts.read(this.path).catch(() => undefined);
      const content = await this.backend.read(this.path).catch((error: unknown) => {
        // A draft of a file that is gone is still the user's text.
        if (draft && error instanceof ApiError && error.status === 404) return null;
        throw error;
      });
      if (content === null) return await this.ready('', 'absent', draft);
      const decoded = decodeText(content.bytes);
      if (decoded.kind !== 'text') return this.unsupported(decoded.kind, content.bytes.length);
      await this.ready(decoded.text, { etag: content.etag }, draft);
    } catch (error) {
      const missing = error instanceof ApiError && error.status === 404;
      this.patch({ phase: { kind: 'failed', message: messageOf(error), missing } });
    } finally {
      this.lookAtPending();
    }
  }

  private async ready(text: string, base: Precondition, draft: Draft | undefined): Promise<void> {
    const buffer = await this.backend.createBuffer(this.path, text);
    if (this.disposed) return buffer.dispose();
    this.buffer = buffer;
    const restore = draft && draft.text !== text ? draft : null;
    this.saver = new FileSaver(
      {
        buffer,
        write: async (now, expect) => {
          const result = await this.backend.write(this.path, encodeText(now), expect);
          if (result.conflictCopy) this.backend.onConflictCopy(result.conflictCopy);
          return result;
        },
        onState: (save) => this.saveChanged(save),
        onWritten: (etag) => this.written(etag),
        lookAgain: (ours) => this.lookAgain(ours),
      },
      restore ? baseOf(restore, base) : base,
    );
    if (restore) buffer.replace(restore.text);
    else if (draft) void this.dropDraft();
    this.unsubscribe = buffer.onChange(() => this.edited());
    const absent = base === 'absent';
    this.patch({
      phase: { kind: 'ready' },
      restoredAt: restore && !absent ? restore.savedAt : null,
      outside: absent ? 'deleted' : null,
    });
    if (restore) this.saver.markDirty();
    // Like a file that is deleted while it is open: made again only when the user says so.
    if (absent) this.saver.pause();
  }

  /** Saves now; resolves to whether all text is acknowledged. */
  save(): Promise<boolean> {
    return this.saver ? this.saver.flush() : Promise.resolve(true);
  }

  /** What the tree says about this path now. */
  changedOutside(item: Item | null): void {
    if (item !== null && item.kind !== 'file') return;
    const { saver } = this;
    if (this.state.get().phase.kind === 'loading' || saver?.busy) {
      this.pending = { item };
      return;
    }
    this.pending = null;
    if (item) this.size = item.size;
    if (!saver) {
      // Nothing is open yet that could be overwritten: simply look again.
      if (item) this.refresher.request();
    } else if (item === null) {
      this.gone();
    } else if (bareEtag(item.etag) === bareEtag(saver.etag)) {
      this.asBefore(saver);
    } else if (this.isEcho(bareEtag(item.etag))) {
      return;
    } else if (this.unsaved) {
      saver.pause();
      this.patch({ outside: 'changed' });
    } else {
      this.refresher.request();
    }
  }

  /** Replaces our text by the server's. */
  async takeTheirs(): Promise<void> {
    await this.reload(true);
  }

  /** Keeps our text and writes it over what is there now. */
  async takeMine(): Promise<boolean> {
    const saver = this.saver;
    if (!saver) return false;
    const base = await this.presentBase();
    this.patch({ outside: null, restoredAt: null });
    saver.rebase(base, false);
    return saver.flush();
  }

  /** Writes our text to `copy` and takes the server's here. */
  async keepBoth(copy: string): Promise<void> {
    if (!this.buffer) return;
    await this.backend.write(copy, encodeText(this.buffer.text()), 'absent');
    await this.reload(true);
  }

  /** The file has a new name; our own rename or a folder's. */
  renamed(path: string): void {
    const old = this.path;
    const { outside } = this.state.get();
    this.patch({ path });
    // The event about the old name may have come before the answer to our rename.
    if (outside === 'deleted' && this.saver?.etag) this.asBefore(this.saver);
    if (this.unsaved) void this.keepDraft().then(() => this.backend.drafts.drop(old));
  }

  /** The user keeps the restored text. */
  async keepRestored(): Promise<boolean> {
    this.patch({ restoredAt: null });
    return this.save();
  }

  /** Takes the file down; what was about to be saved is saved, and what cannot be stays as a draft. */
  dispose(): void {
    const { saver, buffer, draftTimer } = this;
    if (this.disposed) return;
    if (draftTimer !== null) clearTimeout(draftTimer);
    // The last keys are not in the draft yet; the text is read before this returns.
    const kept = draftTimer === null ? Promise.resolve() : this.keepDraft();
    this.takeDown();
    if (!saver || !buffer) return;
    void saver
      .leave()
      .then((saved) => (saved ? kept.then(() => this.dropDraft()) : undefined))
      .finally(() => buffer.dispose());
  }

  /** Forgets the draft too: the user chose to close without saving. */
  async discard(): Promise<void> {
    if (this.draftTimer !== null) clearTimeout(this.draftTimer);
    this.draftTimer = null;
    this.takeDown();
    this.saver?.dispose();
    this.buffer?.dispose();
    await this.dropDraft();
  }

  private takeDown(): void {
    this.disposed = true;
    this.unsubscribe?.();
    this.refresher.dispose();
  }

  private edited(): void {
    this.saver?.edited();
    this.draftTimer ??= setTimeout(() => void this.keepDraft(), DRAFT_DELAY_MS);
  }

  private async keepDraft(): Promise<void> {
    this.draftTimer = null;
    if (!this.buffer || !this.saver || this.disposed || !this.unsaved) return;
    // A full or forbidden database only costs the protection against crashes; the text is still here.
    await this.backend.drafts.keep(this.path, this.buffer.text(), this.saver.etag).catch(() => undefined);
  }

  private dropDraft(): Promise<void> {
    return this.backend.drafts.drop(this.path).catch(() => undefined);
  }

  private written(etag: string): void {
    this.echoes = [...this.echoes, bareEtag(etag)].slice(-MOST_ECHOES);
    this.patch({ outside: null, restoredAt: null, stale: false });
    // What was typed meanwhile builds on what is there now: so must its draft.
    if (this.saver?.dirty) void this.keepDraft();
  }

  private saveChanged(save: SaveState): void {
    this.patch({ save });
    const { outside } = this.state.get();
    if (save.kind === 'saved' && outside === null) void this.dropDraft();
    // The user has undone what stood in the way of their text.
    if (save.kind === 'saved' && outside === 'changed') this.refresher.request();
    // The saver is still finishing: look again in the next turn.
    if (save.kind !== 'saving' && this.pending) setTimeout(() => this.lookAtPending(), 0);
  }

  private lookAtPending(): void {
    const { pending } = this;
    this.pending = null;
    if (pending && !this.disposed) this.changedOutside(pending.item);
  }

  /** Whether this tag is that of a save of ours: an event may come when the next one is done already. */
  private isEcho(tag: string): boolean {
    const index = this.echoes.indexOf(tag);
    // After a foreign tag none of ours can follow: our save would have been refused.
    this.echoes = index < 0 ? [] : this.echoes.slice(index + 1);
    return index >= 0;
  }

  /** The file is what our text builds on, whatever it was in between. */
  private asBefore(saver: FileSaver): void {
    if (this.state.get().outside === null) return;
    this.patch({ outside: null });
    saver.rebase({ etag: saver.etag }, !saver.dirty);
  }

  private gone(): void {
    this.saver?.gone();
    this.patch({ outside: 'deleted' });
  }

  /** Shows what the server has; `atWill`: the user gives up what is typed. */
  private async reload(atWill: boolean): Promise<void> {
    const { saver, buffer } = this;
    if (!saver || !buffer) return;
    const { etag } = saver;
    try {
      const large = this.size !== null && this.size > LARGEST_TEXT_BYTES;
      const content = large ? null : await this.backend.read(this.path);
      if (this.disposed || this.saver !== saver) return;
      // A save has ended meanwhile, or is under way: this reading may be older.
      if (saver.etag !== etag || saver.busy) return this.refresher.request();
      if (this.unsaved && !atWill) {
        saver.pause();
        return this.patch({ outside: 'changed' });
      }
      if (content === null) return this.unsupported('large', this.size ?? 0);
      const decoded = decodeText(content.bytes);
      if (decoded.kind !== 'text') return this.unsupported(decoded.kind, content.bytes.length);
      this.patch({ outside: null, restoredAt: null, stale: false });
      buffer.replace(decoded.text);
      saver.rebase({ etag: content.etag }, true);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.gone();
      else throw error;
    }
  }

  private async presentBase(): Promise<Precondition> {
    try {
      return { etag: (await this.backend.read(this.path)).etag };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return 'absent';
      throw error;
    }
  }

  private async lookAgain(ours: readonly string[]): Promise<Found> {
    try {
      const { bytes, etag } = await this.backend.read(this.path);
      const text = ours.find((candidate) => sameBytes(encodeText(candidate), bytes));
      return text === undefined ? { kind: 'theirs' } : { kind: 'ours', text, etag };
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      this.gone();
      return { kind: 'nothing' };
    }
  }

  private unsupported(why: 'large' | 'binary', size: number): void {
    this.unsubscribe?.();
    this.saver?.dispose();
    this.buffer?.dispose();
    // Only with the user's leave is there still a draft of what was open.
    if (this.saver) void this.dropDraft();
    this.saver = null;
    this.buffer = null;
    this.patch({
      phase: { kind: 'unsupported', why, size },
      save: { kind: 'saved' },
      outside: null,
      restoredAt: null,
    });
  }

  private patch(change: Partial<FileState>): void {
    this.state.update((old) => ({ ...old, ...change }));
  }
}

/** What a restored text builds on. If the file has changed since the draft was made, the save will say so. */
function baseOf(draft: Draft, present: Precondition): Precondition {
  return present === 'absent' || draft.etag === '' ? 'absent' : { etag: draft.etag };
}
