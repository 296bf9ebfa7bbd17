/** One session in the list. */
'use client';

import { Ellipsis, PencilLine, Square, SquareArrowOutUpRight, Trash2 } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import type { Session } from '@/api/types';
import { IconButton } from '@/components/button';
import { Dropdown, type MenuEntry } from '@/components/menu';
import { StateBadge } from '@/features/session/state-badge';
import { formatAgo, formatBytes, formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';

interface SessionRowProps {
  session: Session;
  onRename: () => void;
  onDelete: () => void;
  onStop: () => void;
}

export function SessionRow({ session, onRename, onDelete, onStop }: SessionRowProps) {
  const router = useRouter();
  const href = `/s/${session.id}/`;
  const name = displayName(session.name);
  const entries: MenuEntry[] = [
    { label: 'Open', icon: <SquareArrowOutUpRight />, onSelect: () => router.push(href) },
    { label: 'Rename…', icon: <PencilLine />, onSelect: onRename },
    { label: 'Stop', icon: <Square />, disabled: session.state !== 'ready', onSelect: onStop },
    'line',
    { label: 'Delete…', icon: <Trash2 />, danger: true, onSelect: onDelete },
  ];
  return (
    <li className="group relative flex items-center gap-4 px-4 py-3 first:rounded-t-xl last:rounded-b-xl hover:bg-hover">
      <div className="min-w-0 flex-1">
        {/* The link covers the row, so that the whole of it opens the session. */}
        <Link
          href={href}
          prefetch={false}
          className="block truncate text-sm font-medium after:absolute after:inset-0 after:rounded-[inherit]"
        >
          {name}
        </Link>
        <p className="mt-0.5 truncate text-xs text-faint">
          <span title={formatTime(session.last_active_at)}>Active {formatAgo(session.last_active_at)}</span>
          {' · '}
          {session.usage.items} {session.usage.items === 1 ? 'item' : 'items'},{' '}
          {formatBytes(session.usage.bytes)}
          {session.reason && session.state !== 'ready' ? (
            <span className={session.state === 'failed' ? 'text-danger' : ''}>
              {' '}
              · {displayName(session.reason)}
            </span>
          ) : null}
        </p>
      </div>
      <div className="w-20">
        <StateBadge state={session.state} />
      </div>
      <div className="relative">
        <Dropdown
          entries={entries}
          trigger={
            <IconButton label={`Actions for ${name}`} className="size-7">
              <Ellipsis />
            </IconButton>
          }
        />
      </div>
    </li>
  );
}
