/** What a workspace holds, and how much it may. */
import type { Session } from '@/api/types';
import { ROOT, type TreeModel } from './tree-model';

/** From this part of a limit on the user is warned. */
export const WARN_FROM = 0.9;

const MIB = 1024 * 1024;

export interface Limits {
  bytes: number;
  /** `null` when it is not known. */
  items: number | null;
}

export function usageOf(tree: TreeModel): { bytes: number; items: number } {
  let bytes = 0;
  for (const [path, item] of tree.items) if (path !== ROOT) bytes += item.size;
  return { bytes, items: tree.items.size };
}

export function limitsOf(session: Session): Limits {
  return { bytes: session.quotas.disk_mb * MIB, items: null };
}
