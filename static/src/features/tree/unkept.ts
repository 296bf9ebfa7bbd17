/** What is in the sandbox but not in the database: listed by the server, shown as rows of the tree with a mark. */
import { fetchUnkept } from '@/api/items';
import { ApiError } from '@/api/problem';
import type { Item, UnkeptItem, UnkeptItems } from '@/api/types';
import { baseName, displayName, isWithinAny } from '@/lib/paths';
import { Refresher } from '@/lib/refresher';
import { Store } from '@/lib/store';
import { withItems, type TreeModel } from './tree-model';

export interface Unkept {
  items: ReadonlyMap<string, UnkeptItem>;
  /** Whether there are more than are listed. */
  truncated: boolean;
}

const NOTHING: Unkept = { items: new Map(), truncated: false };

export class UnkeptStore {
  readonly state = new Store<Unkept>(NOTHING);
  private readonly refresher: Refresher;

  constructor(session: string, fetch: (session: string) => Promise<UnkeptItems> = fetchUnkept) {
    this.refresher = new Refresher(
      async () => this.state.set(await listOf(() => fetch(session))),
      // An old list is only ever short of a mark.
      () => undefined,
    );
  }

  /** Reads the list anew. */
  refresh(): void {
    this.refresher.request();
  }

  /** Takes out what was deleted, so that the page need not wait for the list. */
  remove(paths: readonly string[]): void {
    const gone = new Set(paths);
    const { items, truncated } = this.state.get();
    const left = [...items].filter(([path]) => !isWithinAny(path, gone));
    this.state.set({ items: new Map(left), truncated });
  }

  dispose(): void {
    this.refresher.dispose();
  }
}

async function listOf(fetch: () => Promise<UnkeptItems>): Promise<Unkept> {
  try {
    const { items, truncated } = await fetch();
    if (items.length === 0) return NOTHING;
    return { items: new Map(items.map((item) => [item.path, item])), truncated };
  } catch (error) {
    // A refusal will not change by asking again; the next event asks anyway.
    if (error instanceof ApiError && !error.transient) return NOTHING;
    throw error;
  }
}

/** The tree with rows for what is only in the sandbox. */
export function withUnkept(tree: TreeModel, { items }: Unkept): TreeModel {
  const missing = [...items.values()].filter(({ path }) => !tree.items.has(path));
  return missing.length === 0 ? tree : withItems(tree, missing.map(itemOf));
}

function itemOf({ path, kind }: UnkeptItem): Item {
  return { path, kind: kind === 'folder' ? 'folder' : 'file', size: 0, executable: false, modified_at: '' };
}

/** Whether what is listed as this can be asked for: a name that is no path is only shown. */
export function hasPath(item: UnkeptItem | undefined): boolean {
  return item?.why !== 'name';
}

/** `not saved`: it should have been kept and could not be; `not kept`: it never is. */
export function markWord({ why }: UnkeptItem): 'not kept' | 'not saved' {
  return why === 'too_large' || why === 'quota' ? 'not saved' : 'not kept';
}

/** Why, to be put behind the mark. The server's words end with the same verdict. */
export function reasonOf({ text }: UnkeptItem): string {
  const reason = text.replace(/: not (kept|saved)$/, '');
  return reason === '' ? '' : `: ${reason}`;
}

/** The mark in a sentence. */
export function markText(item: UnkeptItem): string {
  return `${displayName(baseName(item.path))}, ${markWord(item)}${reasonOf(item)}`;
}
