/** Uploads under way, remembered in the browser: after a reload the same files, chosen again, go on where they were. */
import { baseName } from '@/lib/paths';
import { isRecord, readStored, writeStored } from '@/lib/storage';

/** More would not fit in with everything else that is remembered. */
const MOST_REMEMBERED = 200;

/** As long as the server keeps what was sent. */
const LIFE_MS = 24 * 3600 * 1000;

export interface RememberedUpload {
  id: string;
  path: string;
  size: number;
  /** Of the file on the user's machine: another one by the same name does not continue it. */
  modified: number;
  at: number;
}

function isRemembered(value: unknown): value is RememberedUpload[] {
  return (
    Array.isArray(value) &&
    value.every(
      (one) =>
        isRecord(one) &&
        typeof one['id'] === 'string' &&
        typeof one['path'] === 'string' &&
        typeof one['size'] === 'number' &&
        typeof one['modified'] === 'number' &&
        typeof one['at'] === 'number',
    )
  );
}

export class UploadMemory {
  private readonly key: string;

  constructor(
    session: string,
    private readonly now: () => number = Date.now,
  ) {
    this.key = `carrel.uploads.${session}`;
  }

  all(): RememberedUpload[] {
    const since = this.now() - LIFE_MS;
    return (readStored(this.key, isRemembered) ?? []).filter(({ at }) => at > since);
  }

  find(path: string, file: { size: number; lastModified: number }): RememberedUpload | undefined {
    return this.all().find(
      (one) => one.path === path && one.size === file.size && one.modified === file.lastModified,
    );
  }

  /** The same where only the name is known, as a file that is chosen has no folder. */
  findByName(file: { name: string; size: number; lastModified: number }): RememberedUpload | undefined {
    return this.all().find(
      (one) =>
        baseName(one.path) === file.name && one.size === file.size && one.modified === file.lastModified,
    );
  }

  keep(id: string, path: string, file: { size: number; lastModified: number }): void {
    const one = { id, path, size: file.size, modified: file.lastModified, at: this.now() };
    writeStored(this.key, [...this.all(), one].slice(-MOST_REMEMBERED));
  }

  forget(id: string): void {
    const all = this.all();
    const rest = all.filter((one) => one.id !== id);
    if (rest.length !== all.length) writeStored(this.key, rest);
  }
}
