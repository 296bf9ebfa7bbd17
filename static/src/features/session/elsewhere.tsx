/** What a page shows when another server has its session. */
'use client';

import { ExternalLink, Server } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from '@/components/button';
import { Empty } from '@/components/states';
import { DraftRescue } from '@/features/editor/draft-rescue';
import { displayName } from '@/lib/paths';
import { webAddress } from '@/lib/urls';

interface ElsewhereProps {
  session: string;
  /** As the server wrote it: looked at before it is followed. */
  serverUrl: string | null;
  onRetry: () => void;
  children?: ReactNode;
}

export function Elsewhere({ session, serverUrl, onRetry, children }: ElsewhereProps) {
  const server = webAddress(serverUrl);
  const target = server ? new URL(`/s/${session}/`, server) : null;
  return (
    <Empty
      icon={<Server aria-hidden />}
      title={server ? `This session runs on ${server.host}` : 'This session runs on another server'}
      actions={
        <>
          {target ? (
            <a
              href={target.href}
              rel="noreferrer"
              className="inline-flex h-7 items-center gap-1.5 rounded-md bg-accent-solid px-2.5 font-medium text-on-accent shadow-xs hover:bg-accent-solid-hover"
            >
              <ExternalLink aria-hidden className="size-3.5" /> Open it there
            </a>
          ) : null}
          <Button onClick={onRetry}>Try again here</Button>
          {children}
        </>
      }
    >
      {server || !serverUrl ? (
        'One server has a session at a time. Its saved files and its terminals are there.'
      ) : (
        <>
          The server gave an address that cannot be followed:{' '}
          <span className="font-mono text-xs break-all">{displayName(serverUrl)}</span>
        </>
      )}
      <DraftRescue session={session} />
    </Empty>
  );
}
