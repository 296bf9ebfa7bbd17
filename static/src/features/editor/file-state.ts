/** What is known of one open file, and what it needs from around it. */
import type { FileContent, Precondition, WriteResult } from '@/api/files';
import type { Drafts } from './drafts';
import type { SaveState } from './file-saver';
import type { TextBuffer } from './text-buffer';

export type Phase =
  | { kind: 'loading' }
  | { kind: 'ready' }
  | { kind: 'unsupported'; why: 'large' | 'binary'; size: number }
  | { kind: 'failed'; message: string; missing: boolean };

/** What happened to the file while we had unsaved edits (or, for `deleted`, at all). */
export type Outside = 'changed' | 'deleted' | null;

export interface FileState {
  path: string;
  phase: Phase;
  save: SaveState;
  outside: Outside;
  /** When the draft was written that this text was restored from, until the user has kept or given it up. */
  restoredAt: number | null;
  /** The file has changed, and what it is now could not be read yet. */
  stale: boolean;
}

export function opening(path: string): FileState {
  return {
    path,
    phase: { kind: 'loading' },
    save: { kind: 'saved' },
    outside: null,
    restoredAt: null,
    stale: false,
  };
}

/** Whether the user is to say something before this text may be written. */
export function undecided({ outside, restoredAt }: FileState): boolean {
  return outside !== null || restoredAt !== null;
}

/** What a merge is made of: `base` is what our text was made from, if that is still known. */
export interface Sides {
  mine: string;
  theirs: FileContent;
  base: { etag: string; bytes: Uint8Array | null };
}

export interface FileBackend {
  read(path: string): Promise<FileContent>;
  write(path: string, bytes: Uint8Array<ArrayBuffer>, expect: Precondition): Promise<WriteResult>;
  createBuffer(path: string, text: string): Promise<TextBuffer>;
  drafts: Drafts;
  /** The server kept the other version beside ours. */
  onConflictCopy: (path: string) => void;
}
