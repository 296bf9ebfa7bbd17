/** What is at a path now, and what a write there builds on. */
import type { FileContent, Precondition, WriteResult } from '@/api/files';
import { ApiError } from '@/api/problem';
import type { Draft } from './drafts';
import type { Found } from './file-saver';
import type { FileBackend } from './file-state';
import { bareEtag, encodeText, sameBytes } from './file-text';

export function isMissing(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** What an opened file begins with; a draft of a file that is gone is still the user's text. */
export async function readOpening(
  backend: FileBackend,
  path: string,
): Promise<{ content: FileContent | null; draft: Draft | undefined }> {
  const draft = await backend.drafts.read(path).catch(() => undefined);
  const content = await backend.read(path).catch((error: unknown) => {
    if (draft && isMissing(error)) return null;
    throw error;
  });
  return { content, draft };
}

/** What a write must expect in order to replace just what is there now. */
export async function presentBase(backend: FileBackend, path: string): Promise<Precondition> {
  try {
    return { etag: (await backend.read(path)).etag };
  } catch (error) {
    if (isMissing(error)) return 'absent';
    throw error;
  }
}

/** Writes a text; what a program wrote there in the same moment is kept beside it, and told. */
export async function writeText(
  backend: FileBackend,
  path: string,
  text: string,
  expect: Precondition,
): Promise<WriteResult> {
  const result = await backend.write(path, encodeText(text), expect);
  if (result.conflictCopy) backend.onConflictCopy(result.conflictCopy);
  return result;
}

/** Whether what is there is one of the texts we tried to write, or what we tried to write over. */
export async function lookFor(
  backend: FileBackend,
  path: string,
  ours: readonly string[],
  expected: string,
  onNothing: () => void,
): Promise<Found> {
  try {
    const { bytes, etag } = await backend.read(path);
    const text = ours.find((candidate) => sameBytes(encodeText(candidate), bytes));
    if (text !== undefined) return { kind: 'ours', text, etag };
    return { kind: bareEtag(etag) === bareEtag(expected) ? 'base' : 'theirs' };
  } catch (error) {
    if (!isMissing(error)) throw error;
    onNothing();
    return { kind: 'nothing' };
  }
}

/** What a restored text builds on. If the file has changed since the draft was made, the save will say so. */
export function baseOf(draft: Draft, present: Precondition): Precondition {
  return present === 'absent' || draft.etag === '' ? 'absent' : { etag: draft.etag };
}
