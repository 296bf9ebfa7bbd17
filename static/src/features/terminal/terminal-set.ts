/** The terminals of one session: which there are, how they are arranged, and how to type into one. */
import { api, unwrap } from '@/api/client';
import { messageOf } from '@/api/problem';
import type { Terminal } from '@/api/types';
import { fetchProcesses } from '@/features/activity/processes-api';
import { isWaitingShell } from '@/features/activity/process-words';
import { readStored, writeStored } from '@/lib/storage';
import { Store } from '@/lib/store';
import * as layouts from './terminal-layout';
import type { Direction, Layout } from './terminal-layout';

/** Size until the screen has been measured. */
const FIRST_SIZE = { cols: 100, rows: 24 } as const;

/** How long a caller may wait for a new terminal's screen to appear. */
const HANDLE_WAIT_MS = 15_000;

/** Name of the terminals that are opened to run something in. */
const RUN_NAME = 'Run';

/** Ctrl-E and Ctrl-U: whatever is half typed at a prompt goes, wherever in it the cursor is. */
const CLEAR_LINE = '\x05\x15';

/** Something a terminal's connection had to say. */
export interface Notice {
  level: string;
  text: string;
}

export interface TerminalsState {
  items: readonly Terminal[];
  layout: Layout;
  notices: Readonly<Record<string, Notice>>;
  /** False until the server has told us what there is. */
  known: boolean;
  opening: boolean;
  problem: string | null;
}

/** What the screen of a terminal offers to the rest of the page. */
export interface TerminalHandle {
  type: (text: string) => void;
  focus: () => void;
}

/** Where a new terminal goes: a tab of its own, or beside another. */
export type Placement = { beside: string; direction: Direction } | null;

export class TerminalSet {
  readonly state: Store<TerminalsState>;
  /** Counts complete lists, so that an answer overtaken by an event is not believed. */
  private lists = 0;
  private opening: Promise<string | null> | null = null;
  private readonly handles = new Map<string, TerminalHandle>();
  private readonly waiters = new Map<string, (handle: TerminalHandle) => void>();
  private readonly memory: string;

  constructor(private readonly session: string) {
    this.memory = `carrel.terminals.${session}`;
    const stored = readStored(this.memory, layouts.isStoredLayout);
    this.state = new Store<TerminalsState>({
      items: [],
      layout: stored ? layouts.fromStored(stored) : layouts.EMPTY_LAYOUT,
      notices: {},
      known: false,
      opening: false,
      problem: null,
    });
  }

  /** The terminal that has, or last had, the keyboard. */
  get active(): string | null {
    return layouts.activeTerminal(this.state.get().layout);
  }

  /** Asks what there is; a terminal that is gone loses its place. */
  async refresh(): Promise<void> {
    const { lists } = this;
    const list = await unwrap(
      api.GET('/api/v1/sessions/{id}/terminals', { params: { path: { id: this.session } } }),
    );
    if (lists === this.lists) this.replace(list.items);
  }

  /** The complete list, from an answer or an event. */
  replace(items: readonly Terminal[]): void {
    this.lists += 1;
    const sorted = [...items].sort((a, b) => a.created_at.localeCompare(b.created_at));
    const ids = sorted.map((item) => item.id);
    this.state.update((old) => ({ ...old, items: sorted, known: true }));
    this.arrange((layout) => layouts.reconcile(layout, ids));
  }

  /** The sandbox is gone, and its terminals with it. */
  clear(): void {
    this.lists += 1;
    this.state.update((old) => ({
      ...old,
      items: [],
      layout: layouts.EMPTY_LAYOUT,
      notices: {},
      known: false,
    }));
  }

  /** Opens a terminal in front; one at a time, and whoever asks meanwhile gets the same. */
  open(placement: Placement = null, name?: string): Promise<string | null> {
    this.opening ??= this.create(placement, name).finally(() => (this.opening = null));
    return this.opening;
  }

  private async create(placement: Placement, name?: string): Promise<string | null> {
    this.state.update((old) => ({ ...old, opening: true, problem: null }));
    try {
      const terminal = await unwrap(
        api.POST('/api/v1/sessions/{id}/terminals', {
          params: { path: { id: this.session } },
          body: { ...FIRST_SIZE, ...(name === undefined ? {} : { name }) },
        }),
      );
      const others = this.state.get().items.filter((item) => item.id !== terminal.id);
      this.replace([...others, terminal]);
      if (placement) this.placeBeside(terminal.id, placement.beside, placement.direction);
      this.activate(terminal.id);
      this.state.update((old) => ({ ...old, opening: false }));
      return terminal.id;
    } catch (error) {
      this.state.update((old) => ({ ...old, opening: false, problem: messageOf(error) }));
      return null;
    }
  }

  /** The same at the user's wish: the keyboard goes there, unless the user has gone on to another by then. */
  async openFocused(placement: Placement = null): Promise<string | null> {
    const id = await this.open(placement);
    if (id === null) return null;
    const handle = await this.handleOf(id);
    if (this.active === id) handle?.focus();
    return id;
  }

  /** Where one more goes that is split off the terminal with the keyboard; `null` when there is no room. */
  besideActive(): Placement {
    const { layout } = this.state.get();
    const tab = layouts.frontTab(layout);
    return tab && layouts.maySplit(layout, tab.active)
      ? { beside: tab.active, direction: tab.direction }
      : null;
  }

  async rename(id: string, name: string): Promise<void> {
    const renamed = await unwrap(
      api.PATCH('/api/v1/sessions/{id}/terminals/{tid}', {
        params: { path: { id: this.session, tid: id } },
        body: { name },
      }),
    );
    this.patch(id, { name: renamed.name });
  }

  async close(id: string): Promise<void> {
    await unwrap(
      api.DELETE('/api/v1/sessions/{id}/terminals/{tid}', {
        params: { path: { id: this.session, tid: id } },
      }),
    );
    this.remove(id);
  }

  remove(id: string): void {
    const { items } = this.state.get();
    if (!items.some((item) => item.id === id)) return;
    this.state.update((old) => ({ ...old, items: items.filter((item) => item.id !== id) }));
    this.arrange((layout) => layouts.remove(layout, id));
  }

  activate(id: string): void {
    this.arrange((layout) => layouts.activate(layout, id));
  }

  placeBeside(id: string, beside: string, direction: Direction): void {
    this.arrange((layout) => layouts.place(layout, id, beside, direction));
  }

  /** Changes the arrangement, and remembers it for the next visit. */
  arrange(change: (layout: Layout) => Layout): void {
    const { layout: before, known } = this.state.get();
    const layout = change(before);
    if (layout === before) return;
    this.state.update((old) => ({ ...old, layout }));
    if (known) writeStored(this.memory, layouts.toStored(layout));
  }

  /** The tab, or the pane of the tab in front, `step` away gets the keyboard. */
  cycle(what: 'tabs' | 'panes', step: number): void {
    this.arrange((layout) =>
      what === 'tabs' ? layouts.cycleTabs(layout, step) : layouts.cyclePanes(layout, step),
    );
    requestAnimationFrame(() => this.focusActive());
  }

  /** Notes how a program ended, which its own socket tells first. */
  exited(id: string, exit: { code: number | null; signal: number | null }): void {
    this.patch(id, { exit });
  }

  /** Something to read in a terminal's header; `null` when it has been read. */
  notice(id: string, notice: Notice | null): void {
    this.state.update((old) => {
      const others = Object.fromEntries(Object.entries(old.notices).filter(([other]) => other !== id));
      return { ...old, notices: notice ? { ...others, [id]: notice } : others };
    });
  }

  clearNotices(): void {
    this.state.update((old) => ({ ...old, notices: {} }));
  }

  /** A screen has appeared; the returned function says that it has gone. */
  register(id: string, handle: TerminalHandle): () => void {
    this.handles.set(id, handle);
    this.waiters.get(id)?.(handle);
    this.waiters.delete(id);
    return () => {
      if (this.handles.get(id) === handle) this.handles.delete(id);
    };
  }

  focusActive(): void {
    const { active } = this;
    if (active !== null) this.handles.get(active)?.focus();
  }

  /** Runs a line where nothing but a shell would read it, in a terminal of its own if need be. */
  async run(line: string): Promise<boolean> {
    const id = (await this.opening) ?? (await this.waitingShell()) ?? (await this.open(null, RUN_NAME));
    if (id === null) return false;
    this.activate(id);
    const handle = await this.handleOf(id);
    handle?.type(`${CLEAR_LINE}${line}\n`);
    handle?.focus();
    return handle !== null;
  }

  /** The terminal in front, or one that was opened to run something, if only a shell is there. */
  private async waitingShell(): Promise<string | null> {
    const { items } = this.state.get();
    const candidates = [
      ...items.filter((item) => item.id === this.active),
      ...items.filter((item) => item.name === RUN_NAME),
    ].filter((item) => !item.exit);
    if (candidates.length === 0) return null;
    // Who cannot be told what runs types into nothing.
    const processes = await fetchProcesses(this.session).catch(() => []);
    const waits = ({ id, pid }: Terminal): boolean => {
      const inside = processes.filter((process) => process.terminal === id);
      return inside.length === 1 && inside.every((it) => it.pid === pid && isWaitingShell(it.command));
    };
    return candidates.find(waits)?.id ?? null;
  }

  private patch(id: string, change: Partial<Terminal>): void {
    this.state.update((old) => ({
      ...old,
      items: old.items.map((item) => (item.id === id ? { ...item, ...change } : item)),
    }));
  }

  private handleOf(id: string): Promise<TerminalHandle | null> {
    const known = this.handles.get(id);
    if (known) return Promise.resolve(known);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiters.delete(id);
        resolve(null);
      }, HANDLE_WAIT_MS);
      this.waiters.set(id, (handle) => {
        clearTimeout(timer);
        resolve(handle);
      });
    });
  }
}
