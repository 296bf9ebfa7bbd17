/** Reads the versions a merge is about, and saves what came of it. */
import { deleteItem, readFile, writeFile, type FileContent } from '@/api/files';
import { ApiError } from '@/api/problem';
import { bareEtag, conflictName, decodeText, encodeText } from '@/features/editor/file-text';
import type { OpenFile } from '@/features/editor/open-file';
import { isMissing } from '@/features/editor/present-file';
import type { MergeSource } from '@/features/workspace/overlay';
import type { Workspace } from '@/features/workspace/workspace';
import { baseByEtag, baseOfCopy } from './merge-base';
import { mergeTexts, type Merged } from './three-way';

/** What the result is written over, and the tag the copy had when it was read. */
interface Tags {
  over: string;
  copy: string;
}

export type Loaded =
  | { kind: 'texts'; merged: Merged; base: string | null; mine: string; theirs: string; tags: Tags }
  /** Cannot be merged line by line: only one or the other can be taken, or both kept. */
  | { kind: 'files'; why: 'binary' | 'large'; mine: number; theirs: number; tags: Tags };

export type Texts = Extract<Loaded, { kind: 'texts' }>;

/** Reads both sides and what they were made from; throws when one of them is gone. */
export async function loadMerge(workspace: Workspace, source: MergeSource): Promise<Loaded> {
  return source.kind === 'file'
    ? loadFile(workspace, source.path)
    : loadCopy(workspace, source.path, source.copy, source.origin);
}

async function loadFile(workspace: Workspace, path: string): Promise<Loaded> {
  const { mine, theirs, base } = await openFile(workspace, path).sides();
  const tags = { over: theirs.etag, copy: '' };
  const known = base.bytes ? decodeText(base.bytes) : null;
  const text =
    known?.kind === 'text' ? known.text : await baseByEtag(workspace.id, path, base.etag).catch(() => null);
  return compare(text, encodeText(mine), theirs.bytes, tags);
}

async function loadCopy(
  workspace: Workspace,
  path: string,
  copy: string,
  origin: 'program' | 'mine' | 'template',
): Promise<Loaded> {
  const open = workspace.files.find(path);
  if (open?.unsaved && !(await open.save())) throw new Error('Save the file first, or resolve its conflict.');
  const [present, other]: [FileContent, FileContent] = await Promise.all([
    readFile(workspace.id, path),
    readFile(workspace.id, copy),
  ]);
  const base = origin === 'program' ? await baseOfCopy(workspace.id, path, copy).catch(() => null) : null;
  return compare(base, present.bytes, other.bytes, { over: present.etag, copy: other.etag });
}

function compare(base: string | null, mine: Uint8Array, theirs: Uint8Array, tags: Tags): Loaded {
  const a = decodeText(mine);
  const b = decodeText(theirs);
  const sizes = { mine: mine.length, theirs: theirs.length, tags };
  if (a.kind !== 'text' || b.kind !== 'text') {
    const large = a.kind === 'large' || b.kind === 'large';
    return { kind: 'files', why: large ? 'large' : 'binary', ...sizes };
  }
  const merged = mergeTexts(base, a.text, b.text);
  if (!merged) return { kind: 'files', why: 'large', ...sizes };
  return { kind: 'texts', merged, base, mine: a.text, theirs: b.text, tags };
}

/** The open file a merge is about; its text, and so the merge, is lost with it. */
export function openFile(workspace: Workspace, path: string): OpenFile {
  const file = workspace.files.find(path);
  if (!file) throw new Error('The file is not open any more.');
  return file;
}

/** `kept`: what a program wrote there in the same moment, kept beside the result. */
export type Outcome =
  | { kind: 'saved'; kept: string | null }
  /** The file was deleted meanwhile, and is there again. */
  | { kind: 'made' }
  /** Left to the open file, which says why. */
  | { kind: 'unsaved' }
  /** Somebody has written there meanwhile. Without texts the open file holds the merge: both sides are to be read anew. */
  | { kind: 'again'; texts: Texts | null }
  /** The same, but what is there now cannot be merged with: the merge is a file of its own. */
  | { kind: 'beside'; copy: string };

/** Writes the merged text over the version it was made with, and removes the copy if asked. */
export async function saveMerge(
  workspace: Workspace,
  source: MergeSource,
  text: string,
  loaded: Texts,
  removeCopy: boolean,
): Promise<Outcome> {
  const { tags } = loaded;
  if (source.kind === 'file') {
    const file = openFile(workspace, source.path);
    if (await file.takeMerged(text, tags.over)) return { kind: 'saved', kept: null };
    return file.state.get().save.kind === 'conflict' ? { kind: 'again', texts: null } : { kind: 'unsaved' };
  }
  let kept: string | null;
  try {
    const written = await writeFile(workspace.id, source.path, encodeText(text), { etag: tags.over });
    kept = written.conflictCopy;
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 412 && error.status !== 404)) throw error;
    return mergeAgain(workspace, source.path, text, loaded);
  }
  if (removeCopy) await removeUnchanged(workspace, source.copy, tags.copy);
  return { kind: 'saved', kept };
}

/** The result, made with a text that is not there any more, goes on as one side of the next merge. */
async function mergeAgain(
  workspace: Workspace,
  path: string,
  result: string,
  { mine: before, tags }: Texts,
): Promise<Outcome> {
  const present = await readFile(workspace.id, path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (!present) {
    await writeFile(workspace.id, path, encodeText(result), 'absent');
    return { kind: 'made' };
  }
  const texts = compare(before, encodeText(result), present.bytes, { ...tags, over: present.etag });
  if (texts.kind === 'texts') return { kind: 'again', texts };
  const copy = conflictName(path);
  await writeFile(workspace.id, copy, encodeText(result), 'absent');
  return { kind: 'beside', copy };
}

/** Takes one of the two as it is; resolves to what a program wrote there in the same moment, kept beside it. */
export async function takeSide(
  workspace: Workspace,
  source: MergeSource,
  side: 'mine' | 'theirs',
  tags: Tags,
): Promise<string | null> {
  if (source.kind === 'file') {
    const file = openFile(workspace, source.path);
    await (side === 'mine' ? file.takeMine() : file.takeTheirs());
    return null;
  }
  let kept: string | null = null;
  if (side === 'theirs') {
    const { bytes } = await readFile(workspace.id, source.copy);
    kept = (await writeFile(workspace.id, source.path, bytes, { etag: tags.over })).conflictCopy;
  }
  await removeUnchanged(workspace, source.copy, tags.copy);
  return kept;
}

/** A copy that has changed since it was read is not what the user has seen: it stays. */
async function removeUnchanged(workspace: Workspace, copy: string, etag: string): Promise<void> {
  if (workspace.files.find(copy)?.unsaved) return;
  if (bareEtag((await readFile(workspace.id, copy)).etag) !== bareEtag(etag)) return;
  await deleteItem(workspace.id, copy);
  workspace.files.close(copy);
}
