/** Chooses files or a folder with the browser's own dialog, and takes what is dropped. */
'use client';

import { useCallback, useMemo, useRef, type ReactNode } from 'react';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { namesOf } from '@/lib/names';
import { MOST_FILES, collectChosen, collectDropped, type Collected, type DroppedEntry } from './collect';

export interface UploadPicker {
  pick: (what: 'files' | 'folder', folder: string) => void;
  /** The files of an upload that was interrupted; each knows where it goes. */
  pickAgain: () => void;
  drop: (entries: readonly DroppedEntry[], folder: string) => void;
  /** To be drawn somewhere: what the dialogs belong to. */
  inputs: ReactNode;
}

export function useUploadPicker(): UploadPicker {
  const { uploads } = useWorkspace().services;
  const toast = useToast();
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  /** The folder they go into; `null` for those of an interrupted upload. */
  const target = useRef<string | null>('');

  const take = useCallback(
    (found: Collected, folder: string | null): void => {
      const refused = folder === null ? uploads.continueWith(found) : uploads.add(found, folder);
      if (found.unreadable.length > 0) toast(`${namesOf(found.unreadable)} could not be read.`, 'danger');
      if (found.truncated) {
        toast(`Only the first ${MOST_FILES} files are taken. Pack more into a zip and import it.`, 'warn');
      }
      if (refused !== null) toast(refused, 'danger');
    },
    [uploads, toast],
  );

  const drop = useCallback(
    (entries: readonly DroppedEntry[], folder: string) =>
      void collectDropped(entries).then((found) => take(found, folder)),
    [take],
  );

  const open = useCallback((what: 'files' | 'folder', folder: string | null): void => {
    const input = what === 'files' ? files.current : folders.current;
    if (!input) return;
    target.current = folder;
    // The same files again are a choice, too.
    input.value = '';
    // React has no property for this one.
    if (what === 'folder') input.webkitdirectory = true;
    input.click();
  }, []);

  const pick: UploadPicker['pick'] = open;
  const pickAgain = useCallback(() => open('files', null), [open]);

  const inputs = useMemo(
    () =>
      [files, folders].map((ref, index) => (
        <input
          key={index}
          ref={ref}
          type="file"
          multiple
          hidden
          aria-label={index === 0 ? 'Files to upload' : 'Folder to upload'}
          onChange={({ target: { files: chosen } }) => chosen && take(collectChosen(chosen), target.current)}
        />
      )),
    [take],
  );

  return { pick, pickAgain, drop, inputs };
}
