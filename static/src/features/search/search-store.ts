/** What is looked for in the files of a session, and what was found; outlives the panel that shows it. */
import { messageOf } from '@/api/problem';
import { replaceInFiles, searchFiles, type Among, type SearchPattern } from '@/api/search';
import type { Replacements, SearchMatch, SearchResult, SeenFile } from '@/api/types';
import { Store } from '@/lib/store';

/** After the last key, before the server is asked. */
export const SEARCH_DELAY_MS = 350;

export interface FoundFile {
  path: string;
  matches: readonly SearchMatch[];
}

export type SearchStatus =
  { kind: 'idle' } | { kind: 'searching' } | { kind: 'ready' } | { kind: 'failed'; message: string };

export interface SearchState {
  pattern: SearchPattern;
  replacement: string;
  status: SearchStatus;
  files: readonly FoundFile[];
  truncated: boolean;
  skipped: number;
  /** Files that were taken off the list: nothing is replaced in them. */
  dismissed: ReadonlySet<string>;
  /** Files whose matches are not shown. */
  collapsed: ReadonlySet<string>;
}

const NOTHING: SearchState = {
  pattern: { q: '', regex: false, case: false, word: false, include: '', exclude: '' },
  replacement: '',
  status: { kind: 'idle' },
  files: [],
  truncated: false,
  skipped: 0,
  dismissed: new Set(),
  collapsed: new Set(),
};

export interface SearchServer {
  search: (pattern: SearchPattern, signal: AbortSignal) => Promise<SearchResult>;
  replace: (
    pattern: SearchPattern,
    replacement: string,
    among: Among,
    preview: boolean,
  ) => Promise<Replacements>;
}

export function searchServer(session: string): SearchServer {
  return {
    search: (pattern, signal) => searchFiles(session, pattern, signal),
    replace: (pattern, replacement, among, preview) =>
      replaceInFiles(session, pattern, replacement, among, preview),
  };
}

export class SearchStore {
  readonly state = new Store<SearchState>(NOTHING);
  /** Counted up when the panel is to take the keyboard. */
  readonly focusRequests = new Store(0);
  private timer: ReturnType<typeof setTimeout> | null = null;
  private abort: AbortController | null = null;

  constructor(private readonly server: SearchServer) {}

  /** Another pattern; it is looked for in a moment. */
  change(change: Partial<SearchPattern>): void {
    this.patch({ pattern: { ...this.state.get().pattern, ...change } });
    this.stop();
    this.timer = setTimeout(() => void this.run(), SEARCH_DELAY_MS);
  }

  setReplacement(replacement: string): void {
    this.patch({ replacement });
  }

  /** Looks for the pattern now. */
  async run(): Promise<void> {
    this.stop();
    const { pattern } = this.state.get();
    if (pattern.q === '') {
      return this.patch({
        status: { kind: 'idle' },
        files: [],
        truncated: false,
        skipped: 0,
        dismissed: new Set(),
      });
    }
    const abort = new AbortController();
    this.abort = abort;
    this.patch({ status: { kind: 'searching' } });
    try {
      const { items, truncated, skipped } = await this.server.search(pattern, abort.signal);
      if (abort.signal.aborted) return;
      this.patch({
        status: { kind: 'ready' },
        files: grouped(items),
        truncated,
        skipped,
        dismissed: new Set(),
        collapsed: new Set(),
      });
    } catch (error) {
      if (!abort.signal.aborted)
        this.patch({ status: { kind: 'failed', message: messageOf(error) }, files: [] });
    }
  }

  toggle(path: string, open?: boolean): void {
    const collapsed = new Set(this.state.get().collapsed);
    if (open ?? collapsed.has(path)) collapsed.delete(path);
    else collapsed.add(path);
    this.patch({ collapsed });
  }

  dismiss(path: string): void {
    this.patch({ dismissed: new Set([...this.state.get().dismissed, path]) });
  }

  /** What would be replaced, in the files that are on the list. */
  preview(): Promise<Replacements> {
    return this.replace(this.listed(), true);
  }

  /** Replaces in these files of a preview, as far as they still are what it showed, and looks again. */
  async apply(seen: readonly SeenFile[]): Promise<Replacements> {
    const done = await this.replace({ seen }, false);
    void this.run();
    return done;
  }

  focus(): void {
    this.focusRequests.update((count) => count + 1);
  }

  dispose(): void {
    this.stop();
  }

  /** Where nothing was taken off the list: wherever the pattern is found, also where the list was too long to show it. */
  private listed(): Among {
    const { files, dismissed } = this.state.get();
    return dismissed.size === 0
      ? { all: true }
      : { paths: files.filter(({ path }) => !dismissed.has(path)).map(({ path }) => path) };
  }

  private replace(among: Among, preview: boolean): Promise<Replacements> {
    const { pattern, replacement } = this.state.get();
    return this.server.replace(pattern, replacement, among, preview);
  }

  private stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.abort?.abort();
    this.abort = null;
  }

  private patch(change: Partial<SearchState>): void {
    this.state.update((old) => ({ ...old, ...change }));
  }
}

function grouped(items: readonly SearchMatch[]): FoundFile[] {
  const files = new Map<string, SearchMatch[]>();
  for (const item of items) {
    const known = files.get(item.path);
    if (known) known.push(item);
    else files.set(item.path, [item]);
  }
  return [...files].map(([path, matches]) => ({ path, matches }));
}
