/** The terminals of one session: which there are, which is in front, and how to type into one. */
import { api, unwrap } from '@/api/client';
import { messageOf } from '@/api/problem';
import type { Terminal } from '@/api/types';
import { Store } from '@/lib/store';

/** Size until the screen has been measured. */
const FIRST_SIZE = { cols: 100, rows: 24 } as const;

/** How long a caller may wait for a new terminal's screen to appear. */
const HANDLE_WAIT_MS = 15_000;

export interface TerminalsState {
  items: readonly Terminal[];
  active: string | null;
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

export class TerminalSet {
  readonly state = new Store<TerminalsState>({
    items: [],
    active: null,
    known: false,
    opening: false,
    problem: null,
  });
  /** Counts complete lists, so that an answer overtaken by an event is not believed. */
  private lists = 0;
  private readonly handles = new Map<string, TerminalHandle>();
  private readonly waiters = new Map<string, (handle: TerminalHandle) => void>();

  constructor(private readonly session: string) {}

  /** Asks what there is; a terminal that is gone loses its tab. */
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
    this.state.update((old) => ({
      ...old,
      items: sorted,
      known: true,
      active: sorted.some((t) => t.id === old.active) ? old.active : (sorted.at(-1)?.id ?? null),
    }));
  }

  /** The sandbox is gone, and its terminals with it. */
  clear(): void {
    this.lists += 1;
    this.state.update((old) => ({ ...old, items: [], active: null, known: false }));
  }

  /** Opens a terminal and brings it to the front; one at a time. */
  async open(): Promise<string | null> {
    if (this.state.get().opening) return null;
    this.state.update((old) => ({ ...old, opening: true, problem: null }));
    try {
      const terminal = await unwrap(
        api.POST('/api/v1/sessions/{id}/terminals', {
          params: { path: { id: this.session } },
          body: { ...FIRST_SIZE },
        }),
      );
      const others = this.state.get().items.filter((item) => item.id !== terminal.id);
      this.replace([...others, terminal]);
      this.state.update((old) => ({ ...old, active: terminal.id, opening: false }));
      return terminal.id;
    } catch (error) {
      this.state.update((old) => ({ ...old, opening: false, problem: messageOf(error) }));
      return null;
    }
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
    const index = items.findIndex((item) => item.id === id);
    if (index < 0) return;
    const rest = items.filter((item) => item.id !== id);
    const neighbour = rest[Math.min(index, rest.length - 1)]?.id ?? null;
    this.state.update((old) => ({ ...old, items: rest, active: old.active === id ? neighbour : old.active }));
  }

  activate(id: string): void {
    this.state.update((old) => ({ ...old, active: id }));
  }

  /** Notes how a program ended, which its own socket tells first. */
  exited(id: string, exit: { code: number | null; signal: number | null }): void {
    this.state.update((old) => ({
      ...old,
      items: old.items.map((item) => (item.id === id ? { ...item, exit } : item)),
    }));
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
    const { active } = this.state.get();
    if (active !== null) this.handles.get(active)?.focus();
  }

  /** Types a line into the terminal in front, opening one if none is alive. */
  async run(line: string): Promise<boolean> {
    const { items, active } = this.state.get();
    const alive =
      items.find((item) => item.id === active && !item.exit) ?? items.findLast((item) => !item.exit);
    const id = alive?.id ?? (await this.open());
    if (id === null) return false;
    this.activate(id);
    const handle = await this.handleOf(id);
    handle?.type(`${line}\n`);
    handle?.focus();
    return handle !== null;
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
