/** What may lie over the whole workspace: one thing at a time. */

import type { TemplateUpdate } from '@/api/types';

/** Two versions to be merged: an open file's own text with what is there now, or a file with a copy beside it. */
export type MergeSource =
  | { kind: 'file'; path: string }
  /** `origin`: whose version the copy is, in the words of the page. */
  | { kind: 'copy'; path: string; copy: string; origin: 'program' | 'mine' | 'template' };

export type Overlay =
  /** `back`: what follows when the merge is over. */
  | { kind: 'merge'; source: MergeSource; back?: Overlay }
  /** The history of a file or folder; the empty path is the whole workspace. */
  | { kind: 'history'; path: string; deleted?: boolean }
  | { kind: 'snapshots' }
  /** For operators. */
  | { kind: 'publish' }
  | { kind: 'template_update'; result: TemplateUpdate };
