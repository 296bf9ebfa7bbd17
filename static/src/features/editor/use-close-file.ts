/** Closes a tab; what is not saved is saved first, and given up only when the user says so. */
'use client';

import { useCallback } from 'react';
import type { Question } from '@/components/confirm';
import { baseName } from '@/lib/paths';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { undecided } from './file-state';

export function useCloseFile(
  confirm: (question: Question) => Promise<boolean>,
): (path: string) => Promise<void> {
  const { files } = useWorkspace();
  return useCallback(
    async (path) => {
      const file = files.find(path);
      if (!file) return;
      if (file.unsaved) {
        const saved = !undecided(file.state.get()) && (await file.save());
        if (!saved) {
          const yes = await confirm({
            title: `Close “${baseName(path)}” without saving?`,
            text: 'Its last changes are not saved, and closing the tab gives them up.',
            yes: 'Close without saving',
            danger: true,
          });
          if (!yes) return;
        }
      }
      files.close(file.path);
    },
    [files, confirm],
  );
}
