/** Unsaved text of a session that cannot be opened here: to be copied or downloaded. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { Copy, Download } from 'lucide-react';
import { Button } from '@/components/button';
import { useToast } from '@/components/toasts';
import { useUser } from '@/features/auth/auth-context';
import { baseName, displayName } from '@/lib/paths';
import { draftTable } from './draft-database';
import { Drafts } from './drafts';

interface Text {
  path: string;
  text: string;
}

async function readDrafts(user: string, session: string): Promise<Text[]> {
  const drafts = new Drafts(draftTable(), user, session);
  const paths = await drafts.paths();
  return Promise.all(paths.map(async (path) => ({ path, text: (await drafts.read(path))?.text ?? '' })));
}

export function DraftRescue({ session }: { session: string }) {
  const user = useUser();
  // Asked of the browser, so it may as well be asked each time.
  const drafts = useQuery({
    queryKey: ['drafts', session],
    queryFn: () => readDrafts(user.id, session),
    gcTime: 0,
    networkMode: 'always',
  });
  const toast = useToast();
  if (!drafts.data || drafts.data.length === 0) return null;

  const copy = (text: string): void =>
    void navigator.clipboard.writeText(text).then(
      () => toast('Copied.', 'ok'),
      () => toast('The clipboard is not available.', 'danger'),
    );
  return (
    <section aria-label="Unsaved text" className="mt-4 rounded-lg border bg-panel p-3 text-left">
      <p className="font-medium text-fg">Not saved</p>
      <p>What was typed last into these files is in this browser only, and does not come along.</p>
      <ul className="mt-2 flex flex-col gap-1.5">
        {drafts.data.map(({ path, text }) => (
          <li key={path} className="flex items-center gap-1.5">
            <span className="min-w-0 flex-1 truncate font-mono text-xs">{displayName(path)}</span>
            <Button aria-label={`Copy ${displayName(path)}`} onClick={() => copy(text)}>
              <Copy aria-hidden className="size-3.5" /> Copy
            </Button>
            <Button aria-label={`Download ${displayName(path)}`} onClick={() => download(path, text)}>
              <Download aria-hidden className="size-3.5" /> Download
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function download(path: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = baseName(path);
  link.click();
  // The browser has taken hold of the content by the next turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
