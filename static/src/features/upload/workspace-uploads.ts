/** Uploads on top of an open workspace: its server, its tree, its room. */
import { ApiError } from '@/api/problem';
import { beginUpload, giveUpload, readUpload, sendChunk } from '@/api/uploads';
import type { Session } from '@/api/types';
import { createFolder } from '@/features/tree/tree-actions';
import { freeName } from '@/features/tree/tree-model';
import type { TreeStore } from '@/features/tree/tree-store';
import { limitsOf, usageOf } from '@/features/tree/usage';
import { backoffDelay } from '@/lib/backoff';
import type { LinkStatus } from '@/lib/reconnecting-socket';
import { baseName, joinPath, parentOf } from '@/lib/paths';
import type { Readable } from '@/lib/store';
import { UploadMemory } from './upload-memory';
import { Uploads } from './uploads';

/** Added to each delay: a server short of breath is given time to draw it. */
const PAUSE_FLOOR_MS = 500;

export function workspaceUploads(
  id: string,
  session: Readable<Session>,
  tree: TreeStore,
  link: Readable<LinkStatus>,
): Uploads {
  return new Uploads({
    wire: {
      begin: (upload, signal) => beginUpload(id, upload, signal),
      read: (upload, signal) => readUpload(id, upload, signal),
      send: (upload, offset, chunk, signal) => sendChunk(id, upload, offset, chunk, signal),
      pause: (attempt, signal) => pause(PAUSE_FLOOR_MS + backoffDelay(attempt), link, signal),
    },
    memory: new UploadMemory(id),
    makeFolder: async (path) => {
      await createFolder(id, path).catch((error: unknown) => {
        // It is to be there, and it is.
        if (!(error instanceof ApiError && error.code === 'already_exists')) throw error;
      });
    },
    give: (upload) => giveUpload(id, upload),
    room: () => limitsOf(session.get()).bytes - usageOf(tree.tree).bytes,
    largest: () => limitsOf(session.get()).fileBytes,
    freePath(path, planned) {
      const folder = parentOf(path);
      return joinPath(folder, freeName(tree.tree, folder, baseName(path), planned));
    },
  });
}

/** A while, or until the connection is back. */
function pause(ms: number, link: Readable<LinkStatus>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    const stop = link.subscribe(() => link.get() === 'connected' && done());
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      stop();
      signal.removeEventListener('abort', done);
      if (signal.aborted) reject(new DOMException('given up', 'AbortError'));
      else resolve();
    }
  });
}
