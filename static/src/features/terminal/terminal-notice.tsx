/** What a terminal's connection had to say, in the header of the terminal, until it is dismissed. */
'use client';

import { Info, TriangleAlert, X } from 'lucide-react';
import { IconButton } from '@/components/button';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';

export function TerminalNotice({ terminal }: { terminal: string }) {
  const { terminals } = useWorkspace();
  const notice = useStore(terminals.state).notices[terminal];
  const info = notice?.level === 'info';
  const text = displayName(notice?.text ?? '');
  const Icon = info ? Info : TriangleAlert;
  return (
    // Always there, so that a screen reader notices what appears in it.
    <div role="status" className="flex min-w-0 items-center">
      {notice ? (
        <p
          data-notice={notice.level}
          title={text}
          className={cx(
            'flex min-w-0 items-center gap-1.5 rounded pl-1.5 text-xs',
            info ? 'text-muted' : notice.level === 'error' ? 'text-danger' : 'text-warn',
          )}
        >
          <Icon aria-hidden className="size-3.5 shrink-0" />
          <span className="truncate">{text}</span>
          <IconButton
            label="Dismiss this notice"
            className="size-5"
            onClick={() => terminals.notice(terminal, null)}
          >
            <X />
          </IconButton>
        </p>
      ) : null}
    </div>
  );
}
