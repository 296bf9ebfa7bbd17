/**
 * Everything one open workspace holds, outside React: the live session, its tree, tabs and terminals.
 *
 * **Talks to** the server through its parts; React reads their stores. One instance per visit of a session.
 * **Invariant**: while the events socket is connected it alone says what state the session is in. Answers over HTTP
 * may be overtaken by its events, so they count only without it; the socket's next `hello` then has the last word.
 */
import { reportSignedOut } from '@/api/client';
import { readFile, writeFile } from '@/api/files';
import { ApiError, ELSEWHERE, messageOf } from '@/api/problem';
import type { Session } from '@/api/types';
import { createMonacoBuffer } from '@/features/editor/monaco-buffer';
import { draftTable } from '@/features/editor/draft-database';
import { Drafts } from '@/features/editor/drafts';
import { OpenFiles } from '@/features/editor/open-files';
import { endSandbox, type AskToGiveUp } from '@/features/session/end-sandbox';
import type { LiveUsage, Progress, SessionEvent } from '@/features/session/events';
import {
  extendSession,
  fetchSession,
  renameSession,
  startSession,
  stopSession,
} from '@/features/session/session-api';
import { LinkWatch } from '@/features/session/link-watch';
import { SessionConnection } from '@/features/session/session-connection';
import { TerminalSet } from '@/features/terminal/terminal-set';
import { fetchTreePage } from '@/features/tree/tree-actions';
import { TreeStore } from '@/features/tree/tree-store';
import { keptBoth } from '@/lib/names';
import { abandonConnections, type LinkStatus } from '@/lib/reconnecting-socket';
import { socketUrl } from '@/lib/socket-url';
import { Store } from '@/lib/store';
import { FileServices } from './file-services';
import { FocusRequest } from './focus-request';
import type { Overlay } from './overlay';

/** How long the files wait for the socket's greeting, which most often comes sooner than their listing would. */
const GREETING_MS = 300;

/** A reading without an answer is given up and tried again: the largest text over a slow line takes less. */
const READ_TIMEOUT_MS = 60_000;

export interface WorkspaceCallbacks {
  onNotice: (text: string, level: string) => void;
  onGone: () => void;
  /** It would end without what could not be saved. */
  onNotSaved: AskToGiveUp;
  /** Another server has the session; its address as the server wrote it, if it did. */
  onElsewhere: (serverUrl: string | null) => void;
  onSession: (session: Session) => void;
}

export class Workspace {
  readonly session: Store<Session>;
  readonly link = new Store<LinkStatus>('connecting');
  readonly progress = new Store<Progress | null>(null);
  /** What the sandbox uses, told every few seconds while it runs. */
  readonly usage = new Store<LiveUsage | null>(null);
  /** Why the session, which does not run, was not started. */
  readonly refusal = new Store<string | null>(null);
  readonly focusRequest = new FocusRequest();
  readonly overlay = new Store<Overlay | null>(null);
  readonly tree: TreeStore;
  readonly files: OpenFiles;
  readonly services: FileServices;
  readonly terminals: TerminalSet;
  readonly drafts: Drafts;
  private readonly connection: SessionConnection;
  private readonly watch: LinkWatch;
  /** The first listing, should nobody greet us: one made before the events begin would have to be made again. */
  private readonly listing: ReturnType<typeof setTimeout>;
  /** Opening the page opens the session; a session that is stopped later stays stopped. */
  private autoStart = true;
  private autoTerminal = true;
  private disposed = false;

  constructor(
    session: Session,
    user: string,
    private readonly callbacks: WorkspaceCallbacks,
  ) {
    const { id } = session;
    this.session = new Store(session);
    this.drafts = new Drafts(draftTable(), user, id);
    this.files = new OpenFiles({
      read: (path) => readFile(id, path, AbortSignal.timeout(READ_TIMEOUT_MS)),
      write: (path, bytes, expect) => writeFile(id, path, bytes, expect),
      createBuffer: createMonacoBuffer,
      drafts: this.drafts,
      onConflictCopy: (path) => callbacks.onNotice(keptBoth(path), 'info'),
    });
    this.tree = new TreeStore(
      (cursor) => fetchTreePage(id, cursor),
      (changes) => this.files.treeChanged(changes),
    );
    this.services = new FileServices(id, this.session, this.tree, this.link);
    this.terminals = new TerminalSet(id);
    this.watch = new LinkWatch((signal) => this.isTrue(signal), abandonConnections);
    this.connection = new SessionConnection(socketUrl(`/api/v1/sessions/${id}/socket`), {
      onEvent: (event) => {
        this.watch.heard(event);
        this.handle(event);
      },
      onStatus: (status) => {
        this.watch.status(status);
        this.link.set(status);
      },
      onGone: callbacks.onGone,
      onSignedOut: reportSignedOut,
      onElsewhere: (url) => (url === '' ? void this.lookAgain(true) : callbacks.onElsewhere(url)),
      onRefused: () => void this.lookAgain(),
    });
    this.listing = setTimeout(() => void this.tree.load(), GREETING_MS);
    void this.drafts.tidy().catch(() => undefined);
    this.settle(session);
  }

  get id(): string {
    return this.session.get().id;
  }

  start = (): Promise<void> => this.ask(startSession);
  stop = (): Promise<void> => this.ask((id) => endSandbox('stop', id, this.callbacks.onNotSaved));
  restart = (): Promise<void> => this.ask((id) => endSandbox('restart', id, this.callbacks.onNotSaved));
  /** Stops it without what could not be saved. */
  abandon = (): Promise<void> => this.ask((id) => stopSession(id, true));

  /** Puts an announced end off; throws when that is refused. */
  async extend(): Promise<void> {
    this.answered(await extendSession(this.id));
  }

  /** Only the name is taken from the answer: its state may be old news. */
  async rename(name: string): Promise<void> {
    const renamed = await renameSession(this.id, name);
    if (!this.disposed) this.changed({ ...this.session.get(), name: renamed.name });
  }

  /** Opens a file in front, with the keyboard in it if asked. */
  open(path: string, focus: boolean): void {
    this.files.open(path, this.tree.tree.items.get(path)?.size ?? null);
    if (focus) this.focusEditor();
  }

  /** Gives the keyboard to the file in front. */
  focusEditor(): void {
    this.focusRequest.ask(this.files.tabs.get().active);
  }

  dispose(): void {
    this.disposed = true;
    this.focusRequest.ask(null);
    this.connection.dispose();
    this.watch.dispose();
    clearTimeout(this.listing);
    this.tree.dispose();
    this.services.dispose();
    this.files.dispose();
  }

  private handle(event: SessionEvent): void {
    switch (event.type) {
      case 'hello':
        this.changed(event.session);
        clearTimeout(this.listing);
        // What happened while we were away is only in a fresh listing.
        void this.tree.load();
        return;
      case 'state':
        // Whatever was refused was refused in another state.
        this.refusal.set(null);
        return this.changed(withState(this.session.get(), event.state, event.reason));
      case 'progress':
        return this.progress.set(event.progress);
      case 'tree':
        return this.tree.apply(event.changes);
      case 'tree_refetch':
        return void this.tree.load();
      case 'unkept':
        return this.services.unkept.refresh();
      case 'terminals':
        return this.terminals.replace(event.items);
      case 'ending':
        if (event.at === null) this.terminals.clearNotices();
        return this.told({ ...this.session.get(), ends_at: event.at, ends_why: event.why });
      case 'usage':
        return this.usage.set(event.usage);
      case 'notice':
        return this.callbacks.onNotice(event.text, event.level);
    }
  }

  private told(session: Session): void {
    this.session.set(session);
    this.callbacks.onSession(session);
  }

  private changed(session: Session): void {
    const before = this.session.get().state;
    this.told(session);
    if (session.state !== before) this.settle(session);
    else if (session.state === 'ready') void this.readTerminals();
  }

  /** What an answer over HTTP says, unless the socket knows better. */
  private answered(session: Session): void {
    if (!this.disposed && this.link.get() !== 'connected') this.changed(session);
  }

  /** What follows from a state just entered. */
  private settle(session: Session): void {
    if (session.state === 'cold' && this.autoStart) return void this.start();
    if (session.state !== 'stopping') this.autoStart = false;
    this.refusal.set(null);
    if (session.state !== 'ready') this.usage.set(null);
    if (session.state === 'ready') {
      this.progress.set(null);
      void this.readTerminals();
    } else if (session.state !== 'starting' || this.terminals.state.get().items.length > 0) {
      this.terminals.clear();
      this.autoTerminal = true;
    }
  }

  private async readTerminals(): Promise<void> {
    try {
      await this.terminals.refresh();
    } catch {
      // The socket's next hello, or the user's next click, asks again.
      return;
    }
    if (this.disposed || this.session.get().state !== 'ready' || !this.autoTerminal) return;
    this.autoTerminal = false;
    if (this.terminals.state.get().items.length === 0) await this.terminals.open();
  }

  private async ask(request: (id: string) => Promise<Session | null>): Promise<void> {
    this.autoStart = false;
    this.refusal.set(null);
    this.progress.set(null);
    try {
      const session = await request(this.id);
      if (session) this.answered(session);
    } catch (error) {
      if (!this.disposed && !this.isElsewhere(error)) this.refused(messageOf(error));
    }
  }

  /** Said in the terminals' place where there are none, which is no place for it while there are. */
  private refused(why: string): void {
    const { state } = this.session.get();
    if (state === 'cold' || state === 'failed') this.refusal.set(why);
    else this.callbacks.onNotice(why, 'error');
  }

  /** Whether the server answers, and says of the session what the page shows. */
  private async isTrue(signal: AbortSignal): Promise<boolean> {
    try {
      return (await fetchSession(this.id, signal)).state === this.session.get().state;
    } catch (error) {
      // A server short of breath is there all the same; connecting anew would only cost it more.
      return error instanceof ApiError && error.status > 0 && error.transient;
    }
  }

  /** A handshake failed, or the session was taken over: HTTP tells why (a 401 reports itself). */
  private async lookAgain(takenOver = false): Promise<void> {
    try {
      const session = await fetchSession(this.id);
      if (takenOver) this.callbacks.onElsewhere(null);
      else this.answered(session);
    } catch (error) {
      if (this.disposed || this.isElsewhere(error)) return;
      if (error instanceof ApiError && error.status === 404) this.callbacks.onGone();
      else if (takenOver) this.callbacks.onElsewhere(null);
    }
  }

  private isElsewhere(error: unknown): boolean {
    const elsewhere = error instanceof ApiError && error.code === ELSEWHERE;
    if (elsewhere) this.callbacks.onElsewhere(error.serverUrl);
    return elsewhere;
  }
}

/** An end is announced for a session that runs; whatever state follows knows nothing of it. */
function withState(session: Session, state: Session['state'], reason: string | null): Session {
  return state === 'ready'
    ? { ...session, state, reason }
    : { ...session, state, reason, ends_at: null, ends_why: null };
}
