/** Copies that were put beside a file because two had changed it at once, known by their names. */
import type { TreeModel } from '@/features/tree/tree-model';
import { baseName, joinPath, parentOf } from '@/lib/paths';

/** The agent's (`main (conflict 2026-03-01 09.30.05 2).py`), and ours (`main (mine 2026-03-01 09-30-05).py`). */
const STAMPED = /^(.+) \((conflict|mine) \d{4}-\d\d-\d\d \d\d[.-]\d\d[.-]\d\d(?: \d+)?\)(\.[^.]*)?$/;

/** A template's revision (`main (template 3).py`). */
const REVISION = /^(.+) \((template) \d+(?: \d+)?\)(\.[^.]*)?$/;

const ORIGINS = { conflict: 'program', mine: 'mine', template: 'template' } as const;

export interface ConflictCopy {
  copy: string;
  /** Whose version the copy is. */
  origin: (typeof ORIGINS)[keyof typeof ORIGINS];
}

/** The file a path is a copy of, by its name alone. */
export function originalOf(path: string): { path: string; origin: ConflictCopy['origin'] } | null {
  const name = baseName(path);
  const [, stem, word, ending = ''] = STAMPED.exec(name) ?? REVISION.exec(name) ?? [];
  if (stem === undefined) return null;
  return { path: joinPath(parentOf(path), stem + ending), origin: ORIGINS[word as keyof typeof ORIGINS] };
}

/** The copies beside a file. */
export function copiesOf(tree: TreeModel, path: string): ConflictCopy[] {
  return (tree.children.get(parentOf(path)) ?? []).flatMap((copy) => {
    const original = tree.items.get(copy)?.kind === 'file' ? originalOf(copy) : null;
    return original?.path === path ? [{ copy, origin: original.origin }] : [];
  });
}
