/** Asks what the duplicate of the open session is to be called, makes it and goes there. */
'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import type { Session } from '@/api/types';
import { NameDialog } from '@/features/dashboard/name-dialog';
import { SESSIONS_KEY, createSession } from '@/features/session/session-api';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { copyName } from './copy-name';

export function DuplicateDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const { files } = useWorkspace();
  const client = useQueryClient();
  const router = useRouter();
  const duplicate = async (name: string): Promise<void> => {
    // Its files are those the server has.
    const unsaved = await files.saveDecided();
    if (unsaved.length > 0)
      throw new Error('Not all files are saved: save them first, or resolve their conflicts.');
    const copy = await createSession(name, { session: session.id });
    void client.invalidateQueries({ queryKey: SESSIONS_KEY });
    router.push(`/s/${copy.id}/`);
  };
  return (
    <NameDialog
      title="Duplicate session"
      label="Name"
      action="Duplicate"
      initial={copyName(session.name)}
      submit={duplicate}
      onClose={onClose}
    />
  );
}
