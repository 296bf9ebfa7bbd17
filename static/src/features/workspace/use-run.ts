/** Saves everything and runs the file in front in the terminal. */
'use client';

import { useCallback } from 'react';
import { useToast } from '@/components/toasts';
import { notSaved } from '@/lib/names';
import { extensionOf, shellQuote } from '@/lib/paths';
import { useWorkspace } from './workspace-context';

/** Where a sandbox has the workspace; the shell may be anywhere. */
const ROOT_FOLDER = '/workspace';

export function runnable(path: string | null): path is string {
  return path !== null && extensionOf(path) === 'py';
}

export function useRun(): () => void {
  const workspace = useWorkspace();
  const toast = useToast();
  return useCallback(() => {
    const { active } = workspace.files.tabs.get();
    if (!runnable(active)) return toast('Open a Python file to run it.');
    const run = async (): Promise<void> => {
      const unsaved = await workspace.files.saveDecided();
      if (unsaved.length > 0) return toast(`${notSaved(unsaved)} Nothing was run.`, 'danger');
      if (workspace.session.get().state !== 'ready') {
        return toast('The session is not running. Open it first.', 'danger');
      }
      if (!(await workspace.terminals.run(`python ${shellQuote(`${ROOT_FOLDER}/${active}`)}`))) {
        toast('No terminal could be opened.', 'danger');
      }
    };
    void run();
  }, [workspace, toast]);
}
