/** One session in the list. */
'use client';

import {
  CopyPlus,
  Ellipsis,
  PencilLine,
  Play,
  RotateCw,
  Square,
  SquareArrowOutUpRight,
  Timer,
  Trash2,
} from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import type { Session } from '@/api/types';
import { Button, IconButton } from '@/components/button';
import { Dropdown, type MenuEntry } from '@/components/menu';
import { reasonWords } from '@/features/session/reason';
import { StateBadge } from '@/features/session/state-badge';
import { formatAgo, formatBytes, formatCountdown, formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { useNow } from '@/lib/use-now';
import type { SessionRequest } from './use-session-actions';

interface SessionRowProps {
  session: Session;
  onRename: () => void;
  onDuplicate: () => void;
  onDelete: () => void;
  onAsk: (request: SessionRequest) => void;
}

export function SessionRow({ session, onRename, onDuplicate, onDelete, onAsk }: SessionRowProps) {
  const router = useRouter();
  const href = `/s/${session.id}/`;
  const name = displayName(session.name);
  const { state } = session;
  const running = state === 'ready' || state === 'starting';
  const entries: MenuEntry[] = [
    { label: 'Open', icon: <SquareArrowOutUpRight />, onSelect: () => router.push(href) },
    { label: 'Rename…', icon: <PencilLine />, onSelect: onRename },
    { label: 'Duplicate…', icon: <CopyPlus />, onSelect: onDuplicate },
    'line',
    running
      ? { label: 'Stop', icon: <Square />, onSelect: () => onAsk('stop') }
      : {
          label: 'Start',
          icon: <Play />,
          disabled: state === 'stopping',
          onSelect: () => onAsk('start'),
        },
    {
      label: 'Restart',
      icon: <RotateCw />,
      disabled: state === 'stopping',
      onSelect: () => onAsk('restart'),
    },
    ...(session.ends_at ? [{ label: 'Extend', icon: <Timer />, onSelect: () => onAsk('extend') }] : []),
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
          <Reason session={session} />
        </p>
      </div>
      {session.ends_at && state === 'ready' ? (
        <Ending at={session.ends_at} onExtend={() => onAsk('extend')} />
      ) : null}
      <div className="w-20">
        <StateBadge state={state} />
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

function Reason({ session: { state, reason } }: { session: Session }) {
  const words = state === 'ready' ? '' : reasonWords(reason);
  if (words === '') return null;
  return (
    <>
      {' · '}
      <span title={words} className={state === 'failed' ? 'text-danger' : 'text-muted'}>
        {words}
      </span>
    </>
  );
}

function Ending({ at, onExtend }: { at: string; onExtend: () => void }) {
  const left = Date.parse(at) - useNow();
  return (
    <div className="relative flex items-center gap-2 text-xs text-warn">
      <Timer aria-hidden className="size-3.5" />
      <span className="min-w-20 tabular-nums">
        {left > 0 ? `Stops in ${formatCountdown(left)}` : 'Stopping…'}
      </span>
      <Button onClick={onExtend}>Extend</Button>
    </div>
  );
}
