/** What a workspace holds, and how much it may. */
import type { Session } from '@/api/types';
import { ROOT, type TreeModel } from './tree-model';

/** From this part of a limit on the user is warned. */
export const WARN_FROM = 0.9;

const MIB = 1024 * 1024;

export interface Limits {
  /** Of all files together. */
  bytes: number;
  /** Of the largest. */
  fileBytes: number;
  items: number;
}

export function usageOf(tree: TreeModel): { bytes: number; items: number } {
  let bytes = 0;
  for (const [path, item] of tree.items) if (path !== ROOT) bytes += item.size;
  return { bytes, items: tree.items.size };
}

export function limitsOf({ limits }: Session): Limits {
  return {
    bytes: limits.max_total_mb * MIB,
    fileBytes: limits.max_file_mb * MIB,
    items: limits.max_items,
  };
}
