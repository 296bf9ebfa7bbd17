/** What was dropped or chosen, as files with their paths: folders are gone through, empty ones are kept. */

/** More at once is better packed into an archive, and imported. */
export const MOST_FILES = 10_000;

export interface Chosen {
  /** Relative, with the names of the folders it was found in. */
  path: string;
  file: File;
}

export interface Collected {
  files: Chosen[];
  /** Folders in which there is nothing. */
  folders: string[];
  /** Whether there are more than we take. */
  truncated: boolean;
  /** What the browser would not let us read. */
  unreadable: string[];
}

function nothing(): Collected {
  return { files: [], folders: [], truncated: false, unreadable: [] };
}

/** From a file input; one for folders tells their names in `webkitRelativePath`. */
export function collectChosen(list: Iterable<File>): Collected {
  const files = [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  return { ...nothing(), files: files.slice(0, MOST_FILES), truncated: files.length > MOST_FILES };
}

/** The parts of the File System API that are used, so that tests can have their own. */
export type DroppedEntry = Pick<FileSystemEntry, 'name' | 'isFile' | 'isDirectory'> & {
  file?: (done: (file: File) => void, failed: (error: DOMException) => void) => void;
  createReader?: () => {
    readEntries: (done: (entries: DroppedEntry[]) => void, failed: (error: DOMException) => void) => void;
  };
};

/** The entries of a drop, which the browser forgets as soon as its event is over. */
export function entriesOf(transfer: DataTransfer): DroppedEntry[] {
  return [...transfer.items]
    .filter((item) => item.kind === 'file')
    .map((item) => item.webkitGetAsEntry() as DroppedEntry | null)
    .filter((entry) => entry !== null);
}

export async function collectDropped(entries: readonly DroppedEntry[]): Promise<Collected> {
  const found = nothing();
  const waiting = entries.map((entry) => ({ entry, path: entry.name }));
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { entry, path } = next;
    if (found.files.length + found.folders.length >= MOST_FILES) {
      found.truncated = true;
      break;
    }
    try {
      if (entry.isDirectory) {
        const inside = await readAll(entry);
        if (inside.length === 0) found.folders.push(path);
        waiting.push(...inside.map((one) => ({ entry: one, path: `${path}/${one.name}` })));
      } else {
        found.files.push({ path, file: await fileOf(entry) });
      }
    } catch {
      found.unreadable.push(path);
    }
  }
  return found;
}

function fileOf(entry: DroppedEntry): Promise<File> {
  return new Promise((resolve, reject) => {
    if (entry.file) entry.file(resolve, reject);
    else reject(new Error('not a file'));
  });
}

/** A folder tells a hundred or so at a time, until it tells none. */
async function readAll(entry: DroppedEntry): Promise<DroppedEntry[]> {
  const reader = entry.createReader?.();
  const all: DroppedEntry[] = [];
  while (reader && all.length <= MOST_FILES) {
    const some = await new Promise<DroppedEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    all.push(...some);
  }
  return all;
}
