/** A zip archive, or a git bundle, becomes files of a folder. */
'use client';

import { useEffect, useId, useRef, useState } from 'react';
import { importArchive } from '@/api/imports';
import { messageOf } from '@/api/problem';
import type { ArchiveKind, Imported, SkippedWhy } from '@/api/types';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Field } from '@/components/field';
import { Spinner } from '@/components/states';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { formatBytes } from '@/lib/format';
import { displayName, extensionOf } from '@/lib/paths';

/** Of what was left out, no more than this is listed. */
const MOST_SKIPPED = 100;

const WHY: Record<SkippedWhy, string> = {
  exists: 'is there already',
  name: 'has a name that cannot be used',
  reserved: 'has a name Carrel keeps for itself',
  ignored: 'lies in a folder that tools make again',
  desktop: 'is what macOS puts beside files',
  too_large: 'is larger than a file may be',
  submodule: 'is another repository',
};

type Step =
  { kind: 'choosing'; problem: string | null } | { kind: 'sending' } | { kind: 'done'; result: Imported };

interface ImportDialogProps {
  open: boolean;
  /** Proposed at first. */
  folder: string;
  onClose: () => void;
}

export function ImportDialog({ open, folder, onClose }: ImportDialogProps) {
  // Made anew each time it is opened.
  return open ? <Import folder={folder} onClose={onClose} /> : null;
}

function Import({ folder, onClose }: Omit<ImportDialogProps, 'open'>) {
  const { id } = useWorkspace();
  const [step, setStep] = useState<Step>({ kind: 'choosing', problem: null });
  const [file, setFile] = useState<File | null>(null);
  const [into, setInto] = useState(folder);
  const [replace, setReplace] = useState(false);
  const [abort] = useState(() => new AbortController());
  const input = useRef<HTMLInputElement>(null);
  const ids = useId();

  useEffect(() => () => abort.abort(), [abort]);

  const send = async (): Promise<void> => {
    if (!file) return setStep({ kind: 'choosing', problem: 'Choose a zip archive or a git bundle.' });
    setStep({ kind: 'sending' });
    try {
      const target = into.trim().replace(/^\/+|\/+$/g, '');
      const result = await importArchive(
        id,
        { folder: target, kind: kindOf(file), replace },
        file,
        abort.signal,
      );
      setStep({ kind: 'done', result });
    } catch (error) {
      if (!abort.signal.aborted) setStep({ kind: 'choosing', problem: messageOf(error) });
    }
  };

  if (step.kind === 'done') return <Done result={step.result} onClose={onClose} />;
  const sending = step.kind === 'sending';
  return (
    <Dialog
      open
      busy={sending}
      onClose={onClose}
      title="Import an archive"
      description="A zip archive, or a git bundle (made with “git bundle create”), whose newest files are taken. All of it is checked before anything is written."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={sending} onClick={() => void send()}>
            {sending ? 'Importing…' : 'Import'}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <div className="flex items-center gap-3">
          <Button onClick={() => input.current?.click()} disabled={sending}>
            Choose an archive…
          </Button>
          <span className="min-w-0 flex-1 truncate text-muted">
            {file ? `${displayName(file.name)} · ${formatBytes(file.size)}` : 'None is chosen'}
          </span>
          <input
            ref={input}
            type="file"
            hidden
            aria-label="Archive to import"
            accept=".zip,.bundle"
            onChange={({ target }) => {
              setFile(target.files?.[0] ?? null);
              setStep({ kind: 'choosing', problem: null });
            }}
          />
        </div>
        <Field
          label="Into the folder"
          value={into}
          placeholder="the top"
          hint="It is made if it is not there."
          disabled={sending}
          onChange={({ target }) => setInto(target.value)}
        />
        <label htmlFor={`${ids}-replace`} className="flex items-center gap-2">
          <input
            id={`${ids}-replace`}
            type="checkbox"
            checked={replace}
            disabled={sending}
            onChange={({ target }) => setReplace(target.checked)}
          />
          Replace files that are there already
        </label>
        {sending ? (
          <p role="status" className="flex items-center gap-2 text-muted">
            <Spinner /> Sending and unpacking. This may take a while.
          </p>
        ) : null}
        {step.kind === 'choosing' && step.problem !== null ? (
          <p role="alert" className="text-danger">
            {step.problem}
          </p>
        ) : null}
      </div>
    </Dialog>
  );
}

function Done({ result, onClose }: { result: Imported; onClose: () => void }) {
  const { items, bytes, skipped } = result;
  const heading = useId();
  return (
    <Dialog
      open
      onClose={onClose}
      title="The archive was imported"
      description={`${items} ${items === 1 ? 'item' : 'items'}, ${formatBytes(bytes)}.`}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      {skipped.length > 0 ? (
        <section aria-labelledby={heading}>
          <h3 id={heading} className="mb-1.5 text-xs font-semibold text-muted">
            What was left out
          </h3>
          <ul tabIndex={0} aria-labelledby={heading} className="max-h-60 overflow-auto rounded-md border">
            {skipped.slice(0, MOST_SKIPPED).map(({ path, why }) => (
              <li key={path} className="border-b px-3 py-1.5 text-xs last:border-b-0">
                <span className="font-medium">{displayName(path)}</span>{' '}
                <span className="text-muted">{WHY[why]}</span>
              </li>
            ))}
            {skipped.length > MOST_SKIPPED ? (
              <li className="px-3 py-1.5 text-xs text-muted">and {skipped.length - MOST_SKIPPED} more</li>
            ) : null}
          </ul>
        </section>
      ) : null}
    </Dialog>
  );
}

function kindOf(file: File): ArchiveKind {
  return extensionOf(file.name) === 'zip' ? 'zip' : 'git';
}
