/** Deletes sessions and takes it back: asks first, twice where something would be lost; says until when, keeps the lists in step. */
'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { messageOf } from '@/api/problem';
import type { Session } from '@/api/types';
import { useConfirm } from '@/components/confirm';
import { useToast } from '@/components/toasts';
import { formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { deleteUnlessKept, giveUpQuestion, type AskToGiveUp } from './end-sandbox';
import { DELETED_KEY, SESSIONS_KEY, fetchDeletedSessions, sessionKey, undeleteSession } from './session-api';

/** What deleting comes to, before it is done. */
function consequence({ undelete_days: days }: Session): string {
  if (days === 0) return 'Its files and their history are gone at once. This cannot be undone.';
  return `This can be undone for ${
    days === 1 ? 'a day' : `${days} days`
  }: until then it is kept under “Recently deleted”, with its files and their history.`;
}

export interface Deletion {
  /** Resolves to whether the session was deleted. */
  remove: (session: Session) => Promise<boolean>;
  restore: (session: Session) => Promise<boolean>;
}

export function useDeletion(): Deletion {
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();

  return useMemo(() => {
    const refresh = () =>
      Promise.all([
        client.invalidateQueries({ queryKey: SESSIONS_KEY }),
        client.invalidateQueries({ queryKey: DELETED_KEY }),
      ]);

    const restore = async (session: Session): Promise<boolean> => {
      const name = displayName(session.name);
      try {
        client.setQueryData(sessionKey(session.id), await undeleteSession(session.id));
        toast(`“${name}” is back, with its files.`, 'ok');
        return true;
      } catch (error) {
        toast(messageOf(error), 'danger');
        return false;
      } finally {
        await refresh();
      }
    };

    /** Says until when it can be had back: only the server knows. */
    const report = async (session: Session): Promise<void> => {
      const name = displayName(session.name);
      const deleted = await client
        .fetchQuery({ queryKey: DELETED_KEY, queryFn: fetchDeletedSessions, staleTime: 0 })
        .catch(() => []);
      const until = deleted.find(({ id }) => id === session.id)?.purge_at;
      if (!until) return toast(`“${name}” was deleted.`, 'ok');
      toast(`“${name}” was deleted. It can be had back until ${formatTime(until)}.`, 'ok', {
        label: 'Undo',
        run: () => void restore(session),
      });
    };

    const remove = async (session: Session): Promise<boolean> => {
      const yes = await confirm({
        title: `Delete “${displayName(session.name)}”?`,
        text: `Everything running in it is ended. ${consequence(session)}`,
        yes: 'Delete session',
        danger: true,
      });
      if (!yes) return false;
      try {
        const ask: AskToGiveUp<'delete'> = (end, why) => confirm(giveUpQuestion(end, why));
        if (!(await deleteUnlessKept(session.id, ask))) return false;
      } catch (error) {
        toast(messageOf(error), 'danger');
        await refresh();
        return false;
      }
      client.removeQueries({ queryKey: sessionKey(session.id) });
      void report(session);
      void client.invalidateQueries({ queryKey: SESSIONS_KEY });
      return true;
    };

    return { remove, restore };
  }, [client, confirm, toast]);
}
