/** Goes back to what was: asks first, saves what is open, says what came of it, and takes it back when asked. */
'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { messageOf } from '@/api/problem';
import type { Changed } from '@/api/types';
import { restore, type RestoreWish } from '@/api/versions';
import { useConfirm, type Question } from '@/components/confirm';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { namesOf, notSaved } from '@/lib/names';
import { versionsKey } from './use-versions';

/** Resolves to whether it was done. Without a question nobody is asked. */
export type Restore = (wish: RestoreWish, question: Question | null, done: string) => Promise<boolean>;

function amount({ restored, removed }: Changed): string {
  const words = [
    restored > 0 ? `${restored} brought back` : '',
    removed > 0 ? `${removed} removed` : '',
  ].filter(Boolean);
  return words.length > 0 ? ` (${words.join(', ')})` : ' (nothing had to change)';
}

export function useRestore(): Restore {
  const { id, files } = useWorkspace();
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();

  return useMemo(() => {
    const refresh = () => client.invalidateQueries({ queryKey: versionsKey(id) });

    const run = async (wish: RestoreWish, done: string): Promise<boolean> => {
      const { path } = wish;
      try {
        const unsaved = await files.saveWithin(path ?? '');
        if (unsaved.length > 0) {
          toast(`${notSaved(unsaved)} Nothing was changed.`, 'danger');
          return false;
        }
        const changed = await restore(id, wish);
        const undo = (): void => void run({ path, at: changed.before }, 'It is as it was before going back');
        toast(`${done}${amount(changed)}.`, 'ok', { label: 'Undo', run: undo });
        const copies = changed.conflict_copies;
        if (copies.length > 0)
          toast(`Programs were writing meanwhile. Theirs is kept as ${namesOf(copies)}.`, 'warn');
        return true;
      } catch (error) {
        toast(messageOf(error), 'danger');
        return false;
      } finally {
        await refresh();
      }
    };

    return async (wish, question, done) =>
      (question === null || (await confirm(question))) && run(wish, done);
  }, [id, files, client, confirm, toast]);
}
