/** What would be replaced, file by file, before it is. */
'use client';

import { ChevronRight } from 'lucide-react';
import { useCallback, useState } from 'react';
import { messageOf } from '@/api/problem';
import type { ReplacedFile, Replacements } from '@/api/types';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Failure, Loading } from '@/components/states';
import { useToast } from '@/components/toasts';
import { useLoaded } from '@/features/viewer/use-loaded';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { namesOf, notSaved } from '@/lib/names';
import { displayName } from '@/lib/paths';
import { changedLines } from './changed-lines';

export function ReplaceDialog({ onClose }: { onClose: () => void }) {
  const { files, services } = useWorkspace();
  const { search } = services;
  const toast = useToast();
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const read = useCallback(async () => {
    // What is replaced is what is saved.
    const unsaved = await files.saveDecided();
    if (unsaved.length > 0) throw new Error(notSaved(unsaved));
    return search.preview();
  }, [files, search]);
  const [preview, again] = useLoaded(read);
  const chosen = preview.kind === 'ready' ? preview.value.files.filter(({ path }) => !left.has(path)) : [];
  const count = chosen.reduce((sum, file) => sum + file.replacements, 0);

  const apply = async (): Promise<void> => {
    setBusy(true);
    try {
      tell(await search.apply(chosen));
      onClose();
    } catch (error) {
      toast(messageOf(error), 'danger');
      setBusy(false);
    }
  };

  const tell = ({ replacements, files: done, conflicts, truncated }: Replacements): void => {
    toast(`${replacements} replaced in ${done.length} ${done.length === 1 ? 'file' : 'files'}.`, 'ok');
    if (conflicts.length > 0) {
      toast(
        `${namesOf(conflicts)} ${conflicts.length === 1 ? 'has' : 'have'} changed meanwhile, and nothing was replaced there.`,
        'warn',
      );
    }
    if (truncated) toast('There may be more: look again.', 'warn');
  };

  return (
    <Dialog
      wide
      open
      onClose={onClose}
      title="Replace in files"
      description="Every file keeps what it was in its history."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" busy={busy} disabled={count === 0} onClick={() => void apply()}>
            Replace {count} in {chosen.length} {chosen.length === 1 ? 'file' : 'files'}
          </Button>
        </>
      }
    >
      {preview.kind === 'loading' ? (
        <Loading>Looking what would be replaced…</Loading>
      ) : preview.kind === 'failed' ? (
        <Failure title="There is no preview" actions={<Button onClick={again}>Try again</Button>}>
          {preview.message}
        </Failure>
      ) : preview.value.files.length === 0 ? (
        <p className="text-muted">There is nothing to replace any more.</p>
      ) : (
        <ul aria-label="Files in which is replaced" className="max-h-[38vh] overflow-auto rounded-md border">
          {preview.value.files.map((file, index) => (
            <FilePreview
              key={file.path}
              file={file}
              first={index === 0}
              included={!left.has(file.path)}
              onInclude={(included) =>
                setLeft((old) => {
                  const next = new Set(old);
                  if (included) next.delete(file.path);
                  else next.add(file.path);
                  return next;
                })
              }
            />
          ))}
        </ul>
      )}
    </Dialog>
  );
}

interface FilePreviewProps {
  file: ReplacedFile;
  /** Shown open at first. */
  first: boolean;
  included: boolean;
  onInclude: (included: boolean) => void;
}

function FilePreview({ file, first, included, onInclude }: FilePreviewProps) {
  const [open, setOpen] = useState(first);
  const path = displayName(file.path);
  return (
    <li className="border-b last:border-b-0">
      <div className="flex items-center gap-2 px-2 py-1">
        <input
          type="checkbox"
          checked={included}
          aria-label={`Replace in ${path}`}
          onChange={({ target }) => onInclude(target.checked)}
        />
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className={cx(
            'flex min-w-0 flex-1 items-center gap-1 text-left',
            !included && 'text-faint line-through',
          )}
        >
          <ChevronRight aria-hidden className={cx('size-3.5 shrink-0 text-faint', open && 'rotate-90')} />
          <span className="truncate">{path}</span>
        </button>
        <span className="shrink-0 text-xs text-muted tabular-nums">{file.replacements}</span>
      </div>
      {open ? <Lines file={file} /> : null}
    </li>
  );
}

function Lines({ file: { before, after } }: { file: ReplacedFile }) {
  if (typeof before !== 'string' || typeof after !== 'string') {
    return <p className="px-8 pb-2 text-xs text-muted">This file is too long for a preview.</p>;
  }
  const { lines, more } = changedLines(before, after);
  return (
    <div className="overflow-x-auto pb-1.5 font-mono text-xs">
      {lines.map((line) => (
        <div key={line.line} className="grid grid-cols-[3rem_1fr]">
          <span className="row-span-2 pr-2 text-right text-faint">{line.line}</span>
          <del className="bg-danger/15 px-2 whitespace-pre no-underline">{displayName(line.before)}</del>
          <ins className="bg-ok/15 px-2 whitespace-pre no-underline">{displayName(line.after)}</ins>
        </div>
      ))}
      {more > 0 ? <p className="px-8 pt-1 font-sans text-muted">and {more} more lines</p> : null}
    </div>
  );
}
