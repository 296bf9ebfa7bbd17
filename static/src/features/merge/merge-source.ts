/** Reads the versions a merge is about, and saves what came of it. */
import { deleteItem, readFile, writeFile, type FileContent } from '@/api/files';
import { ApiError } from '@/api/problem';
import { bareEtag, decodeText, encodeText } from '@/features/editor/file-text';
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

/** Reads both sides and what they were made from; throws when one of them is gone. */
export async function loadMerge(workspace: Workspace, source: MergeSource): Promise<Loaded> {
  return source.kind === 'file'
    ? loadFile(workspace, source.path)
    : loadCopy(workspace, source.path, source.copy, source.origin);
}

async function loadFile(workspace: Workspace, path: string): Promise<Loaded> {
  const file = workspace.files.find(path);
  if (!file) throw new Error('The file is not open any more.');
  const { mine, theirs, base } = await file.sides();
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

/** `again`: somebody has written there meanwhile, so that the merge is to be made anew. */
export type Outcome = 'saved' | 'again' | 'unsaved';

/** Writes the merged text over the version it was made with, and removes the copy if asked. */
export async function saveMerge(
  workspace: Workspace,
  source: MergeSource,
  text: string,
  tags: Tags,
  removeCopy: boolean,
): Promise<Outcome> {
  if (source.kind === 'file') {
    const file = workspace.files.find(source.path);
    if (!file) throw new Error('The file is not open any more.');
    if (await file.takeMerged(text, tags.over)) return 'saved';
    return file.state.get().save.kind === 'conflict' ? 'again' : 'unsaved';
  }
  try {
    await writeFile(workspace.id, source.path, encodeText(text), { etag: tags.over });
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) return 'again';
    throw error;
  }
  if (removeCopy) await removeUnchanged(workspace, source.copy, tags.copy);
  return 'saved';
}

/** Takes one of the two as it is. */
export async function takeSide(
  workspace: Workspace,
  source: MergeSource,
  side: 'mine' | 'theirs',
  tags: Tags,
): Promise<void> {
  if (source.kind === 'file') {
    const file = workspace.files.find(source.path);
    await (side === 'mine' ? file?.takeMine() : file?.takeTheirs());
    return;
  }
  if (side === 'theirs') {
    const { bytes } = await readFile(workspace.id, source.copy);
    await writeFile(workspace.id, source.path, bytes, { etag: tags.over });
  }
  await removeUnchanged(workspace, source.copy, tags.copy);
}

/** A copy that has changed since it was read is not what the user has seen: it stays. */
async function removeUnchanged(workspace: Workspace, copy: string, etag: string): Promise<void> {
  if (workspace.files.find(copy)?.unsaved) return;
  if (bareEtag((await readFile(workspace.id, copy)).etag) !== bareEtag(etag)) return;
  await deleteItem(workspace.id, copy);
  workspace.files.close(copy);
}
