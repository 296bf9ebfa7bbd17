/** What the dashboard can do to sessions, keeping the list in step. */
'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useMemo } from 'react';
import { messageOf } from '@/api/problem';
import type { Session } from '@/api/types';
import { useConfirm } from '@/components/confirm';
import { useToast } from '@/components/toasts';
import {
  SESSIONS_KEY,
  createSession,
  deleteSession,
  renameSession,
  sessionKey,
  stopSession,
} from '@/features/session/session-api';

export interface SessionActions {
  create: (name: string) => Promise<void>;
  rename: (session: Session, name: string) => Promise<void>;
  remove: (session: Session) => Promise<void>;
  stop: (session: Session) => Promise<void>;
}

export function useSessionActions(): SessionActions {
  const client = useQueryClient();
  const router = useRouter();
  const confirm = useConfirm();
  const toast = useToast();

  return useMemo(() => {
    const refresh = () => client.invalidateQueries({ queryKey: SESSIONS_KEY });
    return {
      async create(name) {
        const session = await createSession(name);
        client.setQueryData(sessionKey(session.id), session);
        void refresh();
        router.push(`/s/${session.id}/`);
      },
      async rename(session, name) {
        await renameSession(session.id, name);
        await refresh();
      },
      async remove(session) {
        const yes = await confirm({
          title: `Delete “${session.name}”?`,
          text: 'Its files, their history and everything running in it are deleted. This cannot be undone.',
          yes: 'Delete session',
          danger: true,
        });
        if (!yes) return;
        try {
          await deleteSession(session.id);
          toast(`“${session.name}” was deleted.`, 'ok');
        } catch (error) {
          toast(messageOf(error), 'danger');
        }
        await refresh();
      },
      async stop(session) {
        try {
          await stopSession(session.id);
        } catch (error) {
          toast(messageOf(error), 'danger');
        }
        await refresh();
      },
    };
  }, [client, router, confirm, toast]);
}
