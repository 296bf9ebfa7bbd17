/** Says that the template of a session has a newer revision, takes it over, and tells what came of that. */
'use client';

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { messageOf } from '@/api/problem';
import { updateFromTemplate } from '@/api/templates';
import type { TemplateUpdate } from '@/api/types';
import { Banner } from '@/components/banner';
import { Button } from '@/components/button';
import { useToast } from '@/components/toasts';
import { fetchSession } from '@/features/session/session-api';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';

/** Operators publish seldom: look this often, and whenever the user comes back to the page. */
const REFRESH_MS = 10 * 60_000;

export function TemplateBanner() {
  const workspace = useWorkspace();
  const { template: known } = useStore(workspace.session);
  const client = useQueryClient();
  // The session's own news are of what happens in it; what is published meanwhile is asked for.
  const key = ['template', workspace.id];
  const { data: template } = useQuery({
    queryKey: key,
    queryFn: async () => (await fetchSession(workspace.id)).template ?? null,
    enabled: Boolean(known),
    refetchInterval: REFRESH_MS,
  });
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  /** The revision the user does not want now. */
  const [dismissed, setDismissed] = useState(0);
  if (!template || template.newest <= template.revision || dismissed >= template.newest) return null;

  const update = async (): Promise<void> => {
    setBusy(true);
    try {
      await workspace.files.saveDecided();
      const result = await updateFromTemplate(workspace.id);
      client.setQueryData(key, { ...template, revision: template.newest });
      if (isNothing(result)) toast('The template’s changes are in your files already.', 'ok');
      else workspace.overlay.set({ kind: 'template_update', result });
    } catch (error) {
      toast(messageOf(error), 'danger');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Banner
      tone="info"
      actions={
        <>
          <Button onClick={() => setDismissed(template.newest)}>Not now</Button>
          <Button variant="primary" busy={busy} onClick={() => void update()}>
            Update
          </Button>
        </>
      }
    >
      The template “{displayName(template.name)}” this session was made from has changed. Updating follows it
      in files you have not touched, and overwrites none of yours.
    </Banner>
  );
}

function isNothing({ updated, removed, conflicts }: TemplateUpdate): boolean {
  return updated.length + removed.length + conflicts.length === 0;
}
