/**
 * Unsaved text, kept in the browser until the server has acknowledged it, so that a crash loses nothing.
 * Bounded in number, bytes and age; the oldest go first.
 */

/** Most drafts kept. */
export const MOST_DRAFTS = 50;

/** Most characters kept in all drafts together: a few of the largest files the editor opens. */
export const MOST_DRAFT_CHARS = 20 * 1024 * 1024;

/** A draft nobody came back for in this time is dropped. */
export const DRAFT_LIFE_MS = 30 * 24 * 3600 * 1000;

export interface Draft {
  /** user, session and path. */
  key: string;
  text: string;
  /** Content the text was made from; empty if there was none. */
  etag: string;
  savedAt: number;
}

/** The little of a database that drafts need. */
export interface DraftTable {
  get(key: string): Promise<Draft | undefined>;
  put(draft: Draft): Promise<void>;
  delete(key: string): Promise<void>;
  all(): Promise<Draft[]>;
}

export class Drafts {
  constructor(
    private readonly table: DraftTable,
    private readonly scope: string,
    private readonly now: () => number = Date.now,
  ) {}

  read(path: string): Promise<Draft | undefined> {
    return this.table.get(this.key(path));
  }

  async keep(path: string, text: string, etag: string): Promise<void> {
    await this.table.put({ key: this.key(path), text, etag, savedAt: this.now() });
  }

  drop(path: string): Promise<void> {
    return this.table.delete(this.key(path));
  }

  /** Paths of this session that have a draft. */
  async paths(): Promise<string[]> {
    const all = await this.table.all();
    return all.filter((d) => d.key.startsWith(this.key(''))).map((d) => d.key.slice(this.key('').length));
  }

  /** Enforces the bounds; called once when a workspace opens. */
  async tidy(): Promise<void> {
    const all = (await this.table.all()).sort((a, b) => b.savedAt - a.savedAt);
    let chars = 0;
    for (const [index, draft] of all.entries()) {
      chars += draft.text.length;
      const old = this.now() - draft.savedAt > DRAFT_LIFE_MS;
      if (old || index >= MOST_DRAFTS || chars > MOST_DRAFT_CHARS) await this.table.delete(draft.key);
    }
  }

  private key(path: string): string {
    return `${this.scope}/${path}`;
  }
}
