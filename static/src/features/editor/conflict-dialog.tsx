/** Two versions of one file: the user decides, and nothing is overwritten unasked. */
'use client';

import { useReducer, useState } from 'react';
import { messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { useToast } from '@/components/toasts';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { conflictName } from './file-text';
import type { SaveState } from './file-saver';
import type { OpenFile } from './open-file';

/** Conflicts the user decides later: they stay put off while another file is in front, and the next one asks again. */
const postponed = new WeakSet<SaveState>();

interface ConflictDialogProps {
  file: OpenFile;
  open: boolean;
  onClose: () => void;
}

export function ConflictDialog({ file, open, onClose }: ConflictDialogProps) {
  const { path, save } = useStore(file.state);
  const { files, overlay } = useWorkspace();
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const name = displayName(baseName(path));

  const conflict = save.kind === 'conflict';

  const run = (work: () => Promise<unknown>): void => {
    setBusy(true);
    work()
      .then(onClose)
      .catch((error: unknown) => toast(messageOf(error), 'danger'))
      .finally(() => setBusy(false));
  };
  const keepBoth = async (): Promise<void> => {
    const copy = conflictName(path);
    await file.keepBoth(copy);
    files.open(copy, null, false);
    toast(`Yours was saved as “${displayName(baseName(copy))}”.`, 'ok');
  };
  const later = (): void => {
    // A conflict stays one: the banner below keeps saying so.
    if (conflict) postponed.add(save);
    redraw();
    onClose();
  };
  const resume = (): void => {
    postponed.delete(save);
    redraw();
  };
  const merge = (): void => {
    later();
    overlay.set({ kind: 'merge', source: { kind: 'file', path } });
  };

  if (conflict && postponed.has(save)) {
    return (
      <div
        role="alert"
        className="flex items-center gap-3 border-b border-l-2 border-b-line border-l-danger bg-raised px-3 py-1.5"
      >
        <span className="flex-1">
          <strong className="font-semibold">Not saved.</strong> The file was changed by somebody else.
        </span>
        <Button onClick={resume}>Resolve…</Button>
      </div>
    );
  }
  return (
    <Dialog
      alert
      wide
      open={open}
      onClose={later}
      title={`“${name}” was changed by somebody else`}
      description="Another tab, another person or a program wrote this file after you opened it. Both versions still exist."
      footer={
        <>
          <Button onClick={later}>Decide later</Button>
          <Button busy={busy} onClick={() => run(() => file.takeTheirs())}>
            Take theirs
          </Button>
          <Button busy={busy} onClick={() => run(() => file.takeMine())}>
            Take mine
          </Button>
          <Button busy={busy} onClick={() => run(keepBoth)}>
            Keep both
          </Button>
          <Button busy={busy} variant="primary" onClick={merge}>
            Merge…
          </Button>
        </>
      }
    >
      <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-2 rounded-lg border bg-panel px-4 py-3">
        <dt className="font-medium">Merge</dt>
        <dd className="text-muted">
          puts the changes of both together; only where both changed the same lines you are asked.
        </dd>
        <dt className="font-medium">Take theirs</dt>
        <dd className="text-muted">shows what is there now; your edits since are given up.</dd>
        <dt className="font-medium">Take mine</dt>
        <dd className="text-muted">writes your text over theirs.</dd>
        <dt className="font-medium">Keep both</dt>
        <dd className="text-muted">saves yours beside it under another name and shows theirs here.</dd>
      </dl>
    </Dialog>
  );
}
