/** Makes the `Workspace` of a visit, once per session and user, and takes it down again. */
'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Session } from '@/api/types';
import { useToast } from '@/components/toasts';
import { SESSIONS_KEY, sessionKey } from '@/features/session/session-api';
import { Workspace } from './workspace';

export interface WorkspaceInstance {
  workspace: Workspace | null;
  gone: boolean;
}

export function useWorkspaceInstance(session: Session | undefined, user: string): WorkspaceInstance {
  const [workspace, setWorkspace] = useState<Workspace | null>(null);
  const [gone, setGone] = useState(false);
  const client = useQueryClient();
  const toast = useToast();
  const first = useRef(session);
  first.current = session ?? first.current;
  const id = session?.id;

  useEffect(() => {
    const initial = first.current;
    if (id === undefined || initial === undefined) return;
    const instance = new Workspace(initial, user, {
      onNotice: (text, level) => toast(text, level === 'error' ? 'danger' : 'info'),
      onGone: () => setGone(true),
      onSession: (now) => {
        client.setQueryData(sessionKey(now.id), now);
        void client.invalidateQueries({ queryKey: SESSIONS_KEY, refetchType: 'none' });
      },
    });
    setGone(false);
    setWorkspace(instance);
    return () => {
      instance.dispose();
      setWorkspace(null);
    };
  }, [id, user, client, toast]);

  return { workspace, gone };
}
