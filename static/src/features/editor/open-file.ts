/**
 * One open file: its text, its saver, its draft, and what has happened to it outside.
 *
 * `loading → ready | unsupported | failed`. Everything React shows is in `state`, an immutable snapshot.
 */
import { ApiError, messageOf } from '@/api/problem';
import type { FileContent, Precondition, WriteResult } from '@/api/files';
import type { Item } from '@/api/types';
import { Store } from '@/lib/store';
import type { Drafts } from './drafts';
import { FileSaver, type SaveState } from './file-saver';
import { LARGEST_TEXT_BYTES, bareEtag, decodeText, encodeText } from './file-text';
import type { TextBuffer } from './text-buffer';

/** How long after a key the draft is written: what a crash can cost. */
export const DRAFT_DELAY_MS = 400;

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
  /** When the draft was written that this text was restored from. */
  restoredAt: number | null;
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
  /** A change seen while our own save was under way: looked at when the save has ended. */
  private pending: Item | 'deleted' | null = null;

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
    });
  }

  get path(): string {
    return this.state.get().path;
  }

  /** Whether closing the page now would lose text the server has not acknowledged. */
  get unsaved(): boolean {
    return this.saver !== null && (this.saver.dirty || this.state.get().save.kind !== 'saved');
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
    }
  }

  private async ready(
    text: string,
    base: Precondition,
    draft: { text: string; etag: string; savedAt: number } | undefined,
  ): Promise<void> {
    const buffer = await this.backend.createBuffer(this.path, text);
    if (this.disposed) return buffer.dispose();
    this.buffer = buffer;
    const restore = draft && draft.text !== text ? draft : null;
    // A draft keeps the tag it was made from: if the file has changed since, the save will say so.
    const restoredBase: Precondition = restore?.etag ? { etag: restore.etag } : base;
    this.saver = new FileSaver(
      {
        buffer,
        write: async (now, expect) => {
          const result = await this.backend.write(this.path, encodeText(now), expect);
          if (result.conflictCopy) this.backend.onConflictCopy(result.conflictCopy);
          return result;
        },
        onState: (save) => this.saveChanged(save),
        isOurs: (now) => this.isOurs(now),
      },
      restore ? restoredBase : base,
    );
    if (restore) buffer.replace(restore.text);
    else if (draft) void this.backend.drafts.drop(this.path).catch(() => undefined);
    this.unsubscribe = buffer.onChange(() => this.edited());
    this.patch({
      phase: { kind: 'ready' },
      restoredAt: restore ? restore.savedAt : null,
      outside: base === 'absent' ? 'deleted' : null,
    });
    if (restore) this.saver.markDirty();
  }

  /** Saves now; resolves to whether all text is acknowledged. */
  save(): Promise<boolean> {
    return this.saver ? this.saver.flush() : Promise.resolve(true);
  }

  /** What the tree says about this path now. */
  changedOutside(item: Item | null): void {
    const saver = this.saver;
    if (!saver) {
      // Nothing is open yet that could be overwritten: simply look again.
      if (item?.kind === 'file' && this.state.get().phase.kind !== 'loading') void this.load(item.size);
      return;
    }
    if (item !== null && item.kind !== 'file') return;
    if (saver.busy) {
      this.pending = item ?? 'deleted';
      return;
    }
    if (item === null) {
      saver.pause();
      this.patch({ outside: 'deleted' });
    } else if (bareEtag(item.etag) === bareEtag(saver.etag) && this.state.get().outside !== 'deleted') {
      return;
    } else if (this.unsaved) {
      saver.pause();
      this.patch({ outside: 'changed' });
    } else {
      void this.reload();
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
    saver.rebase(await this.presentBase(), false);
    this.patch({ outside: null });
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
    if (outside === 'deleted' && this.saver?.etag) {
      this.saver.rebase({ etag: this.saver.etag }, !this.saver.dirty);
      this.patch({ outside: null });
    }
    if (this.unsaved) void this.keepDraft().then(() => this.backend.drafts.drop(old));
  }

  dismissRestored(): void {
    this.patch({ restoredAt: null });
  }

  dispose(): void {
    if (this.disposed) return;
    if (this.draftTimer !== null) {
      clearTimeout(this.draftTimer);
      // The last keys are not in the draft yet; the text is read before this returns.
      void this.keepDraft();
    }
    this.disposed = true;
    this.unsubscribe?.();
    this.saver?.dispose();
    this.buffer?.dispose();
  }

  /** Forgets the draft too: the user chose to close without saving. */
  async discard(): Promise<void> {
    if (this.draftTimer !== null) clearTimeout(this.draftTimer);
    this.draftTimer = null;
    this.dispose();
    await this.backend.drafts.drop(this.path).catch(() => undefined);
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

  private saveChanged(save: SaveState): void {
    const saved = save.kind === 'saved';
    this.patch({ save, ...(saved ? { restoredAt: null, outside: null } : {}) });
    if (saved) void this.backend.drafts.drop(this.path).catch(() => undefined);
    if (save.kind !== 'saving' && this.pending !== null) {
      const pending = this.pending;
      this.pending = null;
      // The saver is still finishing: look again in the next turn.
      setTimeout(() => !this.disposed && this.changedOutside(pending === 'deleted' ? null : pending), 0);
    }
  }

  private async reload(evenIfDirty = false): Promise<void> {
    try {
      const content = await this.backend.read(this.path);
      const decoded = decodeText(content.bytes);
      if (decoded.kind !== 'text') return this.unsupported(decoded.kind, content.bytes.length);
      if (!this.buffer || !this.saver || this.saver.busy) return;
      if (this.unsaved && !evenIfDirty) return this.patch({ outside: 'changed' });
      this.buffer.replace(decoded.text);
      this.saver.rebase({ etag: content.etag }, true);
      this.patch({ outside: null, restoredAt: null });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        this.saver?.pause();
        this.patch({ outside: 'deleted' });
      } else if (evenIfDirty) {
        throw error;
      }
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

  private async isOurs(text: string): Promise<string | null> {
    const content = await this.backend.read(this.path);
    const ours = encodeText(text);
    const same = ours.length === content.bytes.length && ours.every((byte, i) => byte === content.bytes[i]);
    return same ? content.etag : null;
  }

  private unsupported(why: 'large' | 'binary', size: number): void {
    this.unsubscribe?.();
    this.saver?.dispose();
    this.buffer?.dispose();
    this.saver = null;
    this.buffer = null;
    this.patch({ phase: { kind: 'unsupported', why, size } });
  }

  private patch(change: Partial<FileState>): void {
    this.state.update((old) => ({ ...old, ...change }));
  }
}
