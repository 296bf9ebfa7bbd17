/** Leaving the workspace inside the app, which the browser's own question at unloading does not cover. */
'use client';

import { useRouter } from 'next/navigation';
import { useCallback, type MouseEvent } from 'react';
import { useConfirm } from '@/components/confirm';
import { namesOf } from '@/lib/names';
import { useWorkspace } from './workspace-context';

/** For links out of the workspace: saves first, and asks when something could not be saved. */
export function useLeave(): (event: MouseEvent<HTMLAnchorElement>) => void {
  const { files } = useWorkspace();
  const confirm = useConfirm();
  const router = useRouter();
  return useCallback(
    (event) => {
      // With a modifier the link opens elsewhere, and this page stays.
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      if (files.unsaved.get().size === 0) return;
      event.preventDefault();
      const target = event.currentTarget.pathname;
      const leave = async (): Promise<void> => {
        const unsaved = await files.saveDecided();
        const yes =
          unsaved.length === 0 ||
          (await confirm({
            title: 'Leave without saving?',
            text: `Not saved: ${namesOf(unsaved)}. The text is kept in this browser until you come back, or sign out.`,
            yes: 'Leave',
            danger: true,
          }));
        if (yes) router.push(target);
      };
      void leave();
    },
    [files, confirm, router],
  );
}
