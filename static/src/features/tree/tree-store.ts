/** Keeps the tree in step with the server: pages first, then events; nothing that arrives meanwhile is lost. */
import { messageOf } from '@/api/problem';
import type { Item } from '@/api/types';
import type { TreeChange } from '@/features/session/events';
import { Retry } from '@/lib/retry';
import { Store } from '@/lib/store';
import { EMPTY_TREE, applyChanges, applyMove, treeOf, type TreeModel } from './tree-model';

/** `stale`: shown is an older listing, since the last one could not be read. */
export type TreeStatus =
  { kind: 'loading' } | { kind: 'ready'; stale: boolean } | { kind: 'failed'; message: string };

export interface TreeState {
  tree: TreeModel;
  status: TreeStatus;
}

export interface TreePage {
  items: Item[];
  next: string | null;
}

export class TreeStore {
  readonly state = new Store<TreeState>({ tree: EMPTY_TREE, status: { kind: 'loading' } });
  /** Changes that came while a listing was under way; they are newer than its pages. */
  private late: TreeChange[] | null = null;
  private generation = 0;
  private loadedOnce = false;
  private readonly retry = new Retry();

  constructor(
    private readonly fetchPage: (cursor: string | null) => Promise<TreePage>,
    /** Told about every difference, so that open files can look. */
    private readonly onChanges: (changes: readonly TreeChange[]) => void,
  ) {}

  get tree(): TreeModel {
    return this.state.get().tree;
  }

  /** Reads the whole tree; a newer call makes an older one irrelevant. */
  async load(): Promise<void> {
    const generation = ++this.generation;
    this.late = [];
    this.retry.cancel();
    if (!this.loadedOnce) this.state.update((old) => ({ ...old, status: { kind: 'loading' } }));
    try {
      const items: Item[] = [];
      let cursor: string | null = null;
      do {
        const page: TreePage = await this.fetchPage(cursor);
        if (generation !== this.generation) return;
        items.push(...page.items);
        cursor = page.next;
      } while (cursor !== null);
      this.replace(applyChanges(treeOf(items), this.late));
      this.retry.reset();
    } catch (error) {
      if (generation !== this.generation) return;
      // An older listing stays useful; only a first one that fails leaves nothing to show.
      const status: TreeStatus = this.loadedOnce
        ? { kind: 'ready', stale: true }
        : { kind: 'failed', message: messageOf(error) };
      this.state.update((old) => ({ ...old, status }));
      if (this.loadedOnce) this.retry.later(() => void this.load());
    }
    this.late = null;
  }

  dispose(): void {
    this.generation += 1;
    this.retry.cancel();
  }

  apply(changes: readonly TreeChange[]): void {
    this.late?.push(...changes);
    this.state.update((old) => ({ ...old, tree: applyChanges(old.tree, changes) }));
    this.onChanges(changes);
  }

  /** Our own rename, shown before its event arrives. */
  moved(from: string, to: string): void {
    this.state.update((old) => ({ ...old, tree: applyMove(old.tree, from, to) }));
  }

  private replace(tree: TreeModel): void {
    const before = this.tree;
    const first = !this.loadedOnce;
    this.loadedOnce = true;
    this.state.set({ tree, status: { kind: 'ready', stale: false } });
    if (!first) this.onChanges(difference(before, tree));
  }
}

/** What to tell open files after a new listing. */
export function difference(before: TreeModel, after: TreeModel): TreeChange[] {
  const changes: TreeChange[] = [];
  for (const [path, item] of after.items) {
    if (before.items.get(path)?.etag !== item.etag) changes.push({ path, item });
  }
  for (const path of before.items.keys()) if (!after.items.has(path)) changes.push({ path, item: null });
  return changes;
}
