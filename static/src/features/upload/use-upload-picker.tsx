/** Chooses files or a folder with the browser's own dialog, and takes what is dropped. */
'use client';

import { useCallback, useMemo, useRef, type ReactNode } from 'react';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { namesOf } from '@/lib/names';
import { MOST_FILES, collectChosen, collectDropped, type Collected, type DroppedEntry } from './collect';

export interface UploadPicker {
  pick: (what: 'files' | 'folder', folder: string) => void;
  drop: (entries: readonly DroppedEntry[], folder: string) => void;
  /** To be drawn somewhere: what the dialogs belong to. */
  inputs: ReactNode;
}

export function useUploadPicker(): UploadPicker {
  const { uploads } = useWorkspace().services;
  const toast = useToast();
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  const target = useRef('');

  const take = useCallback(
    (found: Collected, folder: string): void => {
      if (found.unreadable.length > 0) toast(`${namesOf(found.unreadable)} could not be read.`, 'danger');
      if (found.truncated) {
        toast(`Only the first ${MOST_FILES} files are taken. Pack more into a zip and import it.`, 'warn');
      }
      const refused = uploads.add(found, folder);
      if (refused !== null) toast(refused, 'danger');
    },
    [uploads, toast],
  );

  const drop = useCallback(
    (entries: readonly DroppedEntry[], folder: string) =>
      void collectDropped(entries).then((found) => take(found, folder)),
    [take],
  );

  const pick = useCallback((what: 'files' | 'folder', folder: string): void => {
    const input = what === 'files' ? files.current : folders.current;
    if (!input) return;
    target.current = folder;
    // The same files again are a choice, too.
    input.value = '';
    // React has no property for this one.
    if (what === 'folder') input.webkitdirectory = true;
    input.click();
  }, []);

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

  return { pick, drop, inputs };
}
