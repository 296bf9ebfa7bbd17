/** The drafts' table in IndexedDB; a browser without it gets a table that forgets on reload. */
import type { Draft, DraftTable } from './drafts';

const DATABASE = 'carrel-drafts';
const TABLE = 'drafts';

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });
}

export class IndexedDraftTable implements DraftTable {
  private database: Promise<IDBDatabase> | null = null;

  async get(key: string): Promise<Draft | undefined> {
    const store = await this.table('readonly');
    // Only `put` writes here, so only drafts come out.
    return settled(store.get(key) as IDBRequest<Draft | undefined>);
  }

  async put(draft: Draft): Promise<void> {
    await settled((await this.table('readwrite')).put(draft));
  }

  async delete(key: string): Promise<void> {
    await settled((await this.table('readwrite')).delete(key));
  }

  async all(): Promise<Draft[]> {
    const store = await this.table('readonly');
    return settled(store.getAll() as IDBRequest<Draft[]>);
  }

  private async table(mode: IDBTransactionMode): Promise<IDBObjectStore> {
    this.database ??= open();
    return (await this.database).transaction(TABLE, mode).objectStore(TABLE);
  }
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: 'key' });
  return settled(request);
}

export class MemoryDraftTable implements DraftTable {
  private readonly drafts = new Map<string, Draft>();

  get(key: string): Promise<Draft | undefined> {
    return Promise.resolve(this.drafts.get(key));
  }

  put(draft: Draft): Promise<void> {
    this.drafts.set(draft.key, draft);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.drafts.delete(key);
    return Promise.resolve();
  }

  all(): Promise<Draft[]> {
    return Promise.resolve([...this.drafts.values()]);
  }
}

export function draftTable(): DraftTable {
  return typeof indexedDB === 'undefined' ? new MemoryDraftTable() : new IndexedDraftTable();
}
