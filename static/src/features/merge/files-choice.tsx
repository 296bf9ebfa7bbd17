/** Two versions that cannot be merged line by line: one of them, or both as files. */
'use client';

import { FileWarning } from 'lucide-react';
import { useState } from 'react';
import { messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { Empty } from '@/components/states';
import { useToast } from '@/components/toasts';
import { conflictName } from '@/features/editor/file-text';
import type { MergeSource } from '@/features/workspace/overlay';
import type { Workspace } from '@/features/workspace/workspace';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { formatBytes } from '@/lib/format';
import { keptBoth } from '@/lib/names';
import { openFile, takeSide, type Loaded } from './merge-source';

interface FilesChoiceProps {
  source: MergeSource;
  loaded: Extract<Loaded, { kind: 'files' }>;
  names: { mine: string; theirs: string };
  onClose: () => void;
}

/** A copy is a second file already. */
async function keepBoth(workspace: Workspace, source: MergeSource): Promise<void> {
  if (source.kind === 'file') await openFile(workspace, source.path).keepBoth(conflictName(source.path));
}

export function FilesChoice({ source, loaded, names, onClose }: FilesChoiceProps) {
  const workspace = useWorkspace();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const run = (work: () => Promise<void>): void => {
    setBusy(true);
    work()
      .then(onClose)
      .catch((error: unknown) => toast(messageOf(error), 'danger'))
      .finally(() => setBusy(false));
  };
  const take = async (side: 'mine' | 'theirs'): Promise<void> => {
    const kept = await takeSide(workspace, source, side, loaded.tags);
    if (kept !== null) toast(keptBoth(kept), 'info');
  };
  return (
    <Empty
      icon={<FileWarning aria-hidden />}
      title={
        loaded.why === 'large'
          ? 'Too much to merge line by line'
          : 'This is not text, so there are no lines to merge'
      }
      actions={
        <>
          <Button busy={busy} onClick={() => run(() => take('mine'))}>
            Take mine
          </Button>
          <Button busy={busy} onClick={() => run(() => take('theirs'))}>
            Take theirs
          </Button>
          <Button busy={busy} variant="primary" onClick={() => run(() => keepBoth(workspace, source))}>
            Keep both files
          </Button>
        </>
      }
    >
      <dl className="mt-2 grid grid-cols-[auto_auto] gap-x-4 gap-y-1 text-left">
        <dt>{names.mine}</dt>
        <dd className="tabular-nums">{formatBytes(loaded.mine)}</dd>
        <dt>{names.theirs}</dt>
        <dd className="tabular-nums">{formatBytes(loaded.theirs)}</dd>
      </dl>
    </Empty>
  );
}
