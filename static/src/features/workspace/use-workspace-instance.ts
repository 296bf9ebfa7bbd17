/** Makes the `Workspace` of a visit, once per session and user, and takes it down again. */
'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Session } from '@/api/types';
import { useConfirm } from '@/components/confirm';
import { useToast, type Tone } from '@/components/toasts';
import { giveUpQuestion } from '@/features/session/end-sandbox';
import { SESSIONS_KEY, sessionKey } from '@/features/session/session-api';
import { Workspace } from './workspace';

const TONES: Readonly<Record<string, Tone>> = { warning: 'warn', error: 'danger' };

export interface WorkspaceInstance {
  workspace: Workspace | null;
  gone: boolean;
  /** Set when another server has the session; its address as that was written, if it was. */
  elsewhere: { serverUrl: string | null } | null;
}

/** `attempt` counts: another one makes everything anew. */
export function useWorkspaceInstance(
  session: Session | undefined,
  user: string,
  attempt: number,
): WorkspaceInstance {
  const [workspace, setWorkspace] = useState<Workspace | null>(null);
  const [gone, setGone] = useState(false);
  const [elsewhere, setElsewhere] = useState<WorkspaceInstance['elsewhere']>(null);
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const first = useRef(session);
  first.current = session ?? first.current;
  const id = session?.id;

  useEffect(() => {
    const initial = first.current;
    if (id === undefined || initial === undefined) return;
    const instance = new Workspace(initial, user, {
      onNotice: (text, level) => toast(text, TONES[level] ?? 'info'),
      onGone: () => setGone(true),
      onNotSaved: (end, why) => confirm(giveUpQuestion(end, why)),
      onElsewhere: (serverUrl) => {
        // Nothing here would be heard: the other server has the session's state, files and terminals.
        instance.dispose();
        setElsewhere({ serverUrl });
      },
      onSession: (now) => {
        client.setQueryData(sessionKey(now.id), now);
        void client.invalidateQueries({ queryKey: SESSIONS_KEY, refetchType: 'none' });
      },
    });
    setGone(false);
    setElsewhere(null);
    setWorkspace(instance);
    return () => {
      instance.dispose();
      setWorkspace(null);
    };
  }, [id, user, attempt, client, confirm, toast]);

  return { workspace, gone, elsewhere };
}
