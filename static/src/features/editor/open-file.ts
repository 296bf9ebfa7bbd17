/**
 * One open file: its text, its saver, its draft, and what has happened to it outside.
 *
 * `loading → ready | unsupported | failed`. Everything React shows is in `state`, an immutable snapshot.
 */
import type { Precondition } from '@/api/files';
import { messageOf } from '@/api/problem';
import type { Item } from '@/api/types';
import { Refresher } from '@/lib/refresher';
import { Store } from '@/lib/store';
import { DraftKeeper } from './draft-keeper';
import type { Draft } from './drafts';
import { Echoes } from './echoes';
import { FileSaver, type SaveState } from './file-saver';
import { opening, type FileBackend, type FileState, type Sides } from './file-state';
import { LARGEST_TEXT_BYTES, bareEtag, decodeText } from './file-text';
import { baseOf, isMissing, lookFor, presentBase, readOpening, writeText } from './present-file';
import { SeenContents } from './seen-contents';
import type { TextBuffer } from './text-buffer';

export class OpenFile {
  readonly state: Store<FileState>;
  buffer: TextBuffer | null = null;
  private saver: FileSaver | null = null;
  private unsubscribe: (() => void) | null = null;
  private disposed = false;
  /** What a change or a reading came to while we were reading or saving: done when that has ended. */
  private pending: (() => void) | null = null;
  private readonly echoes = new Echoes();
  private readonly seen = new SeenContents();
  private readonly backend: FileBackend;
  private readonly draft: DraftKeeper;
  /** What the tree said last of the file's size. */
  private size: number | null = null;
  private readonly refresher = new Refresher(
    () => (this.saver ? this.reload(false) : this.load(this.size)),
    (stale) => this.patch({ stale }),
  );

  constructor(path: string, backend: FileBackend) {
    this.backend = this.seen.through(backend);
    this.state = new Store<FileState>(opening(path));
    this.draft = new DraftKeeper(backend.drafts, () =>
      this.buffer && this.saver && !this.disposed && this.unsaved
        ? { path: this.path, text: this.buffer.text(), etag: this.saver.etag }
        : null,
    );
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
    // What is shown of a file that is no text stays until there is something newer.
    if (this.state.get().phase.kind !== 'unsupported') this.patch({ phase: { kind: 'loading' } });
    try {
      const { content, draft } = await readOpening(this.backend, this.path);
      if (content === null) return await this.ready('', 'absent', draft);
      const decoded = decodeText(content.bytes);
      if (decoded.kind !== 'text') return this.unsupported(decoded.kind, content.bytes.length);
      await this.ready(decoded.text, { etag: content.etag }, draft);
    } catch (error) {
      this.patch({ phase: { kind: 'failed', message: messageOf(error), missing: isMissing(error) } });
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
        write: (now, expect) => writeText(this.backend, this.path, now, expect),
        onState: (save) => this.saveChanged(save),
        onWritten: (etag) => this.written(etag),
        lookAgain: (ours, expected) => lookFor(this.backend, this.path, ours, expected, () => this.gone()),
      },
      restore ? baseOf(restore, base) : base,
    );
    if (draft && !restore) void this.draft.drop(this.path);
    if (restore) buffer.replace(restore.text);
    this.unsubscribe = buffer.onChange(() => {
      this.saver?.edited();
      this.draft.edited();
    });
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
      this.pending = () => this.changedOutside(item);
      return;
    }
    this.pending = null;
    if (item) this.size = item.size;
    const echo = this.echoes.hear(item?.etag);
    if (!saver) {
      // Nothing is open yet that could be overwritten: simply look again.
      if (item) this.refresher.request();
    } else if (item === null) {
      this.gone();
    } else if (bareEtag(item.etag) === bareEtag(saver.etag)) {
      this.asBefore(saver);
    } else if (echo) {
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
    await this.saver?.quiet();
    return this.reload(true);
  }

  /** Keeps our text and writes it over what is there now. */
  async takeMine(): Promise<boolean> {
    return this.saver !== null && this.writeOver(await presentBase(this.backend, this.path));
  }

  async sides(): Promise<Sides> {
    const theirs = await this.backend.read(this.path);
    const etag = this.saver?.etag ?? '';
    return { mine: this.buffer?.text() ?? '', theirs, base: { etag, bytes: this.seen.find(etag) } };
  }

  /** Puts a merged text in the place of ours and writes it over that very version it was merged with. */
  async takeMerged(text: string, etag: string): Promise<boolean> {
    await this.saver?.quiet();
    this.buffer?.replace(text);
    return this.writeOver({ etag });
  }

  /** Writes our text to `copy` and takes the server's here. */
  async keepBoth(copy: string): Promise<void> {
    if (!this.buffer) return;
    await writeText(this.backend, copy, this.buffer.text(), 'absent');
    await this.reload(true);
  }

  /** The file has a new name; our own rename or a folder's. */
  renamed(path: string): void {
    const old = this.path;
    this.patch({ path });
    // Events about the old name may have come before the answer to our rename.
    if (this.pending) this.pending = () => this.refresher.request();
    if (this.state.get().outside === 'deleted' && this.saver?.etag) this.asBefore(this.saver);
    if (this.unsaved) void this.draft.keep().then(() => this.draft.drop(old));
  }

  /** The user keeps the restored text. */
  keepRestored(): Promise<boolean> {
    this.patch({ restoredAt: null });
    return this.save();
  }

  /** Takes the file down; what was about to be saved is saved, and what cannot be stays as a draft. */
  dispose(): void {
    const { saver, buffer } = this;
    if (this.disposed) return;
    const kept = this.draft.flush();
    this.takeDown();
    if (!saver || !buffer) return;
    void saver
      .leave()
      .then((saved) => (saved ? kept.then(() => this.draft.drop(this.path)) : undefined))
      .finally(() => buffer.dispose());
  }

  /** Forgets the draft too: the user chose to close without saving. */
  async discard(): Promise<void> {
    this.draft.cancel();
    this.takeDown();
    this.saver?.dispose();
    this.buffer?.dispose();
    await this.draft.drop(this.path);
  }

  private writeOver(base: Precondition): Promise<boolean> {
    this.patch({ outside: null, restoredAt: null });
    return this.saver?.writeOver(base) ?? Promise.resolve(false);
  }

  private takeDown(): void {
    this.disposed = true;
    this.unsubscribe?.();
    this.refresher.dispose();
  }

  private written(etag: string): void {
    this.echoes.expect(etag);
    this.patch({ outside: null, restoredAt: null, stale: false });
    // What was typed meanwhile builds on what is there now: so must its draft.
    if (this.saver?.dirty) void this.draft.keep();
  }

  private saveChanged(save: SaveState): void {
    this.patch({ save });
    const { outside } = this.state.get();
    if (save.kind === 'saved' && outside === null) void this.draft.drop(this.path);
    // The user has undone what stood in the way of their text.
    if (save.kind === 'saved' && outside === 'changed') this.refresher.request();
    // The saver is still finishing: look again in the next turn.
    if (save.kind !== 'saving' && this.pending) setTimeout(() => this.lookAtPending(), 0);
  }

  private lookAtPending(): void {
    const { pending } = this;
    this.pending = null;
    if (!this.disposed) pending?.();
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
    const large = this.size !== null && this.size > LARGEST_TEXT_BYTES;
    try {
      const content = large ? null : await this.backend.read(this.path);
      if (this.disposed || this.saver !== saver) return;
      // A save has ended meanwhile, or is under way: this reading may be older.
      if (saver.etag !== etag || saver.busy) {
        if (atWill) return await this.takeTheirs();
        if (!saver.busy) return this.refresher.request();
        return void (this.pending ??= () => this.refresher.request());
      }
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
      if (isMissing(error)) this.gone();
      else throw error;
    }
  }

  private unsupported(why: 'large' | 'binary', size: number): void {
    this.unsubscribe?.();
    this.saver?.dispose();
    this.buffer?.dispose();
    // Only with the user's leave is there still a draft of what was open.
    if (this.saver) void this.draft.drop(this.path);
    [this.saver, this.buffer] = [null, null];
    this.patch({ ...opening(this.path), phase: { kind: 'unsupported', why, size } });
  }

  private patch(change: Partial<FileState>): void {
    this.state.update((old) => ({ ...old, ...change }));
  }
}
