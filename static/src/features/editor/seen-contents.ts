/** Contents lately read or written, by tag: what a text was made from, should it have to be merged with another. */
import type { FileBackend } from './file-state';
import { LARGEST_TEXT_BYTES, bareEtag } from './file-text';

/** What we began with, what is there, and one more that came while the user was looking at these. */
export const MOST_SEEN = 3;

export class SeenContents {
  private readonly known = new Map<string, Uint8Array>();

  find(etag: string): Uint8Array | null {
    return this.known.get(bareEtag(etag)) ?? null;
  }

  /** The backend, watched. */
  through(backend: FileBackend): FileBackend {
    return {
      ...backend,
      read: async (path) => {
        const content = await backend.read(path);
        this.note(content.etag, content.bytes);
        return content;
      },
      write: async (path, bytes, expect) => {
        const result = await backend.write(path, bytes, expect);
        this.note(result.etag, bytes);
        return result;
      },
    };
  }

  private note(etag: string, bytes: Uint8Array): void {
    if (etag === '' || bytes.length > LARGEST_TEXT_BYTES) return;
    const key = bareEtag(etag);
    this.known.delete(key);
    this.known.set(key, bytes);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MOST_SEEN) return;
      this.known.delete(oldest);
    }
  }
}
