/**
 * One file on its way up: begun, sent chunk by chunk, gone on with after whatever breaks it off.
 *
 * Nothing is sent twice that the server has: it is asked how far it got before anything is sent again.
 */
import { ApiError, UNREACHABLE } from '@/api/problem';
import type { UploadInfo } from '@/api/types';
import type { NewUpload } from '@/api/uploads';

/** What sending needs from around it. */
export interface Wire {
  begin: (upload: NewUpload, signal: AbortSignal) => Promise<UploadInfo>;
  read: (id: string, signal: AbortSignal) => Promise<UploadInfo>;
  send: (id: string, offset: number, chunk: ArrayBuffer, signal: AbortSignal) => Promise<number | null>;
  /** Resolves when it is time for another attempt. */
  pause: (attempt: number, signal: AbortSignal) => Promise<void>;
}

export interface Sending {
  path: string;
  file: Blob;
  replace: boolean;
  /** An upload of an earlier visit. */
  resume: string | null;
  signal: AbortSignal;
  onBegun: (id: string) => void;
  onProgress: (sent: number) => void;
  onTrouble: (message: string) => void;
}

/** Something is there already. */
export class TakenError extends Error {}

/** The file on the user's machine is not what it was when it was chosen. */
export class ChangedError extends Error {
  constructor() {
    super('It was changed or removed on your machine. Choose it again.');
  }
}

/** Attempts without any progress; a server that cannot be reached at all is waited for as long as the user likes. */
const MOST_ATTEMPTS = 8;

/** Resolves when the server has saved the file. */
export async function sendFile(wire: Wire, sending: Sending): Promise<void> {
  const { file, signal } = sending;
  let id = sending.resume;
  let upload: UploadInfo | null = null;
  let attempt = 0;
  for (;;) {
    try {
      upload ??= id === null ? await begin(wire, sending) : await wire.read(id, signal);
      if (id === null) sending.onBegun(upload.id);
      id = upload.id;
      // It is a file already: only the answer to our last chunk was lost.
      if (upload.saved) return sending.onProgress(file.size);
      sending.onProgress(upload.offset);
      const { offset, chunk_bytes: most } = upload;
      const next = await wire.send(id, offset, await read(file, offset, most), signal);
      attempt = 0;
      if (next === null) return sending.onProgress(file.size);
      upload = { ...upload, offset: next };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'wrong_offset' && error.offset !== null && upload) {
        // Our last chunk arrived, its answer did not.
        upload = { ...upload, offset: error.offset };
      } else if (error.status === 404 && id !== null) {
        // Swept, or of a server that is no more: from the beginning.
        id = null;
        upload = null;
      } else if (isTaken(error)) {
        throw new TakenError();
      } else if (!error.transient || (error.code !== UNREACHABLE && attempt >= MOST_ATTEMPTS)) {
        throw error;
      } else {
        sending.onTrouble(error.message);
        // How far it got only the server knows.
        upload = null;
        await wire.pause(attempt, signal);
      }
      attempt += 1;
      if (attempt > MOST_ATTEMPTS && !error.transient) throw error;
    }
  }
}

function begin(wire: Wire, { path, file, replace, signal }: Sending): Promise<UploadInfo> {
  return wire.begin({ path, size: file.size, replace }, signal);
}

function isTaken({ code }: ApiError): boolean {
  return code === 'already_exists' || code === 'precondition_failed';
}

/** Read before it is sent: a request with a file that has changed fails like one without a connection. */
async function read(file: Blob, offset: number, most: number): Promise<ArrayBuffer> {
  try {
    return await file.slice(offset, offset + most).arrayBuffer();
  } catch {
    throw new ChangedError();
  }
}
