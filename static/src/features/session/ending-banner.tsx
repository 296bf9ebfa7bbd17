/**
 * Says that the session will stop by itself, counts down, and keeps it with one click.
 *
 * It stands in the header, where room is kept for it: nothing moves when it comes or goes. Escape and every other key
 * stay with whoever has the focus. A screen reader is told once when the end is announced and once a minute before it.
 */
'use client';

import { Timer } from 'lucide-react';
import { useRef, useState } from 'react';
import { messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { formatCountdown } from '@/lib/format';
import { useStore } from '@/lib/store';
import { useNow } from '@/lib/use-now';
import type { EndsWhy } from './events';

/** The last minute is shown, and told, as urgent. */
export const URGENT_MS = 60_000;

const WHY: Record<EndsWhy, string> = {
  idle: 'because nobody uses it',
  life: 'because it has reached its maximum life',
};

export function EndingBanner() {
  const { session } = useWorkspace();
  const { ends_at: at, ends_why: why, state } = useStore(session);
  return at && state === 'ready' ? (
    <Announced at={at} why={why ?? null} />
  ) : (
    <div role="alert" className="sr-only" />
  );
}

function Announced({ at, why }: { at: string; why: EndsWhy | null }) {
  const left = Date.parse(at) - useNow();
  const extend = useExtend();
  const first = useRef(left);
  const urgent = left <= URGENT_MS;
  const reason = why ? ` ${WHY[why]}` : '';
  const soon = urgent ? 'in less than a minute' : `in ${minutes(first.current)}`;
  return (
    <section
      aria-label="This session is about to stop"
      data-ending={why ?? ''}
      className={cx(
        'flex h-8 min-w-0 items-center gap-2 rounded-lg border py-0.5 pr-0.5 pl-2.5',
        urgent ? 'border-danger/60 bg-danger/10' : 'border-warn/60 bg-warn/10',
      )}
    >
      <Timer aria-hidden className={cx('size-4 shrink-0', urgent ? 'text-danger' : 'text-warn')} />
      <p
        className="flex min-w-0 items-baseline gap-1"
        title={`This session stops${reason}. Its files are kept.`}
      >
        <span className="font-medium whitespace-nowrap">
          {left > 0 ? (
            <>
              Stops in <time className="inline-block min-w-8 tabular-nums">{formatCountdown(left)}</time>
            </>
          ) : (
            'Stopping…'
          )}
        </span>
        <span className="hidden truncate text-muted lg:inline">{reason}</span>
      </p>
      <Button
        variant="primary"
        className="h-6.5 shrink-0"
        title="Keep this session (Ctrl+Shift+E)"
        busy={extend.busy}
        onClick={() => void extend.run()}
      >
        Extend
      </Button>
      <div role="alert" className="sr-only">
        {`This session stops ${soon}${reason}. Press Extend, or Control Shift E, to keep it.`}
      </div>
    </section>
  );
}

function minutes(ms: number): string {
  const count = Math.max(1, Math.round(ms / 60_000));
  return count === 1 ? 'a minute' : `${count} minutes`;
}

/** Puts the end off and says how that went; the banner goes when the server calls the end off. */
export function useExtend(): { busy: boolean; run: () => Promise<void> } {
  const workspace = useWorkspace();
  const toast = useToast();
  const [busy, setBusy] = useState(false);
  const run = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      await workspace.extend();
      toast('The session goes on.', 'ok');
    } catch (error) {
      toast(messageOf(error), 'danger');
    } finally {
      setBusy(false);
    }
  };
  return { busy, run };
}
