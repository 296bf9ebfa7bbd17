/** What the dashboard can do to sessions, keeping the list in step. */
'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useMemo } from 'react';
import { messageOf } from '@/api/problem';
import type { Session } from '@/api/types';
import { useConfirm } from '@/components/confirm';
import { useToast } from '@/components/toasts';
import { endSandbox, giveUpQuestion, type AskToGiveUp } from '@/features/session/end-sandbox';
import {
  SESSIONS_KEY,
  createSession,
  extendSession,
  renameSession,
  sessionKey,
  startSession,
  type SessionOrigin,
} from '@/features/session/session-api';

/** Requests about one session that answer with it, unless its user takes them back. */
const REQUESTS = {
  start: (id: string) => startSession(id),
  stop: (id: string, ask: AskToGiveUp) => endSandbox('stop', id, ask),
  restart: (id: string, ask: AskToGiveUp) => endSandbox('restart', id, ask),
  extend: (id: string) => extendSession(id),
} as const;

export type SessionRequest = keyof typeof REQUESTS;

export interface SessionActions {
  create: (name: string, origin: SessionOrigin | null) => Promise<void>;
  rename: (session: Session, name: string) => Promise<void>;
  ask: (request: SessionRequest, session: Session) => Promise<void>;
}

export function useSessionActions(): SessionActions {
  const client = useQueryClient();
  const router = useRouter();
  const confirm = useConfirm();
  const toast = useToast();

  return useMemo(() => {
    const refresh = () => client.invalidateQueries({ queryKey: SESSIONS_KEY });
    return {
      async create(name, origin) {
        const session = await createSession(name, origin);
        client.setQueryData(sessionKey(session.id), session);
        void refresh();
        router.push(`/s/${session.id}/`);
      },
      async rename(session, name) {
        await renameSession(session.id, name);
        await refresh();
      },
      async ask(request, session) {
        try {
          const ask: AskToGiveUp = (end, why) => confirm(giveUpQuestion(end, why));
          const now = await REQUESTS[request](session.id, ask);
          client.setQueryData<Session[]>(SESSIONS_KEY, (old) =>
            old?.map((other) => (other.id === now?.id ? now : other)),
          );
          if (request === 'extend') toast('The session goes on.', 'ok');
        } catch (error) {
          toast(messageOf(error), 'danger');
        }
        await refresh();
      },
    };
  }, [client, confirm, router, toast]);
}
