/** Whether the page hears the server. */
import { cx } from '@/lib/cx';
import type { LinkStatus } from '@/lib/reconnecting-socket';

const LOOKS: Record<LinkStatus, { words: string; dot: string }> = {
  connecting: { words: 'Connecting…', dot: 'bg-warn animate-pulse' },
  connected: { words: 'Connected', dot: 'bg-ok' },
  reconnecting: { words: 'Reconnecting…', dot: 'bg-warn animate-pulse' },
  restarting: { words: 'Server is restarting…', dot: 'bg-warn animate-pulse' },
  offline: { words: 'Offline', dot: 'bg-danger' },
  closed: { words: 'Disconnected', dot: 'bg-danger' },
};

export function LinkIndicator({ status }: { status: LinkStatus }) {
  const { words, dot } = LOOKS[status];
  return (
    <span role="status" data-link={status} className="inline-flex items-center gap-1.5 whitespace-nowrap">
      <span aria-hidden className={cx('size-1.5 rounded-full', dot)} />
      {words}
    </span>
  );
}
