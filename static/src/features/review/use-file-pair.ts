/** The two texts of a changed file, if both are texts. */
'use client';

import type { RoundName } from '@/api/reading';
import { messageOf } from '@/api/problem';
import { LARGEST_TEXT_BYTES } from '@/features/editor/file-text';
import type { ListedFile } from './changed-files';
import { baseName, type Shown } from './placing';
import { useRoundText } from './use-original-lines';

/** Where one side of a file is; `null` where it has none. */
export interface Spot {
  path: string;
  round: RoundName;
}

export type FilePair =
  | { kind: 'loading' }
  | { kind: 'failed'; message: string; retry: () => void }
  | { kind: 'texts'; before: string; after: string }
  | { kind: 'binary' }
  | { kind: 'large' };

/** Where the content of a file's two sides is, as far as they are files. */
export function spotsOf(file: ListedFile, shown: Shown): { old: Spot | null; now: Spot | null } {
  const base = baseName(shown);
  if (file.status === 'unchanged') {
    const same = { path: file.path, round: shown.round };
    return { old: same, now: same };
  }
  return {
    old:
      file.old?.kind === 'file' && base !== null
        ? { path: file.former_path ?? file.path, round: base }
        : null,
    now: file.new?.kind === 'file' ? { path: file.path, round: shown.round } : null,
  };
}

export function useFilePair(file: ListedFile, shown: Shown): FilePair {
  const { old, now } = spotsOf(file, shown);
  const large = Math.max(file.old?.size ?? 0, file.new?.size ?? 0) > LARGEST_TEXT_BYTES;
  const before = useRoundText(large ? null : (old?.path ?? null), old?.round ?? null);
  const after = useRoundText(large ? null : (now?.path ?? null), now?.round ?? null);
  if (large) return { kind: 'large' };
  const asked = [...(old ? [before] : []), ...(now ? [after] : [])];
  const failed = asked.find(({ isError }) => isError);
  if (failed) {
    return {
      kind: 'failed',
      message: messageOf(failed.error),
      retry: () => asked.forEach((one) => void one.refetch()),
    };
  }
  if (asked.some(({ isPending }) => isPending)) return { kind: 'loading' };
  const kinds = asked.map(({ data }) => data?.kind);
  if (kinds.includes('large')) return { kind: 'large' };
  if (kinds.includes('binary')) return { kind: 'binary' };
  const text = (one: typeof before, there: boolean): string =>
    there && one.data?.kind === 'text' ? one.data.text : '';
  return { kind: 'texts', before: text(before, old !== null), after: text(after, now !== null) };
}
