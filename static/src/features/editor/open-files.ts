/** The open tabs of one workspace, in order, and which of them is in front. */
import type { TreeChange } from '@/features/session/events';
import { isWithin, movedPath } from '@/lib/paths';
import { Store } from '@/lib/store';
import { undecided, type FileBackend } from './file-state';
import { conflictName } from './file-text';
import { OpenFile } from './open-file';

export interface Tabs {
  files: readonly OpenFile[];
  active: string | null;
}

export class OpenFiles {
  readonly tabs = new Store<Tabs>({ files: [], active: null });
  /** Paths with text the server has not acknowledged. */
  readonly unsaved = new Store<ReadonlySet<string>>(new Set());
  private readonly watches = new Map<OpenFile, () => void>();

  constructor(private readonly backend: FileBackend) {}

  find(path: string): OpenFile | undefined {
    return this.tabs.get().files.find((file) => file.path === path);
  }

  get active(): OpenFile | undefined {
    const { active } = this.tabs.get();
    return active === null ? undefined : this.find(active);
  }

  /** Brings a file to the front, opening it first if need be. `size` is what the tree knows. */
  open(path: string, size: number | null, front = true): OpenFile {
    const known = this.find(path);
    if (known) {
      if (front) this.activate(path);
      return known;
    }
    const file = new OpenFile(path, this.backend);
    this.watches.set(
      file,
      file.state.subscribe(() => this.recount()),
    );
    this.tabs.update(({ files, active }) => ({
      files: [...files, file],
      active: front || active === null ? path : active,
    }));
    void file.load(size);
    return file;
  }

  activate(path: string): void {
    if (this.find(path)) this.tabs.update((old) => ({ ...old, active: path }));
  }

  /** Activates the neighbour `step` tabs away, around the end. */
  cycle(step: number): void {
    const { files, active } = this.tabs.get();
    const index = files.findIndex((file) => file.path === active);
    const next = files[(index + step + files.length) % Math.max(1, files.length)];
    if (next) this.activate(next.path);
  }

  /** Closes a tab; what is unsaved in it is given up, so ask first. */
  close(path: string): void {
    const file = this.find(path);
    if (!file) return;
    this.watches.get(file)?.();
    this.watches.delete(file);
    void file.discard();
    this.tabs.update(({ files, active }) => {
      const index = files.indexOf(file);
      const rest = files.filter((other) => other !== file);
      const neighbour = rest[Math.min(index, rest.length - 1)]?.path ?? null;
      return { files: rest, active: active === path ? neighbour : active };
    });
    this.recount();
  }

  /** Saves what the user need not be asked about; resolves to the paths whose text is then still only here. */
  saveDecided(): Promise<string[]> {
    return this.saveWithin('');
  }

  /** The same of what is open at or below `path`, before it moves or goes. */
  async saveWithin(path: string): Promise<string[]> {
    const within = this.tabs.get().files.filter((file) => isWithin(file.path, path) && file.unsaved);
    await Promise.all(within.filter((file) => !undecided(file.state.get())).map((file) => file.save()));
    return within.filter((file) => file.unsaved).map((file) => file.path);
  }

  /**
   * We renamed `from` to `to`: the tabs follow, and take the place of those of files that were deleted there. What is
   * not saved in one of these goes on under a name of its own.
   */
  moved(from: string, to: string): void {
    for (const file of this.tabs.get().files) {
      if (!isWithin(file.path, to) || isWithin(file.path, from)) continue;
      if (file.unsaved) file.renamed(conflictName(file.path));
      else this.close(file.path);
    }
    const { files, active } = this.tabs.get();
    for (const file of files) if (isWithin(file.path, from)) file.renamed(movedPath(file.path, from, to));
    this.tabs.set({ files: [...files], active: active === null ? null : movedPath(active, from, to) });
    this.recount();
  }

  /** The tree changed: every open file concerned looks at it. */
  treeChanged(changes: readonly TreeChange[]): void {
    for (const change of changes) this.find(change.path)?.changedOutside(change.item);
  }

  dispose(): void {
    for (const stop of this.watches.values()) stop();
    this.watches.clear();
    // Nobody is told: the tabs are those of the next visit.
    for (const file of this.tabs.get().files) file.dispose();
  }

  private recount(): void {
    const now = new Set(
      this.tabs
        .get()
        .files.filter((file) => file.unsaved)
        .map((file) => file.path),
    );
    const old = this.unsaved.get();
    if (now.size !== old.size || [...now].some((path) => !old.has(path))) this.unsaved.set(now);
  }
}
