/**
 * Unsaved text, kept in the browser until the server has acknowledged it, so that a crash loses nothing.
 * Bounded in number, bytes and age; the oldest go first. Who signs out leaves none behind, in any tab: the browser
 * may be somebody else's next.
 */

import { readStored, removeStored, writeStored } from '@/lib/storage';

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
    private readonly user: string,
    private readonly session: string,
    private readonly now: () => number = Date.now,
  ) {}

  read(path: string): Promise<Draft | undefined> {
    return this.table.get(this.key(path));
  }

  async keep(path: string, text: string, etag: string): Promise<void> {
    if (hasLeft(this.user)) return;
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
    return `${this.user}/${this.session}/${path}`;
  }
}

/** Where all tabs of the browser see who has signed out of it. */
const LEFT_KEY = 'carrel.left';

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function hasLeft(user: string): boolean {
  return readStored(LEFT_KEY, isText) === user;
}

/** From now on no draft of this user is kept, whichever tab has one. */
export function stopDrafts(user: string): void {
  writeStored(LEFT_KEY, user);
}

/** The user is here (again): drafts are kept. */
export function allowDrafts(user: string): void {
  if (hasLeft(user)) removeStored(LEFT_KEY);
}

/** Whose file a draft is of. */
export interface DraftPlace {
  session: string;
  path: string;
}

/** Every draft of this user, in whichever session and written by whichever tab. */
export async function draftsOf(table: DraftTable, user: string): Promise<DraftPlace[]> {
  const mine = (await table.all()).map(({ key }) => key).filter((key) => key.startsWith(`${user}/`));
  return mine.map((key) => {
    const [, session = '', ...path] = key.split('/');
    return { session, path: path.join('/') };
  });
}

/** Deletes every draft of this user. */
export async function forgetDrafts(table: DraftTable, user: string): Promise<void> {
  for (const { key } of await table.all()) if (key.startsWith(`${user}/`)) await table.delete(key);
}
