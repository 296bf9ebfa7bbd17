/** How a terminal's program ended, small enough for a tab. */
import type { Terminal } from '@/api/types';
import { cx } from '@/lib/cx';

export function ExitBadge({ exit }: { exit: NonNullable<Terminal['exit']> }) {
  const words = exit.code ?? (exit.signal != null ? `SIG ${exit.signal}` : '?');
  return (
    <span
      aria-hidden
      className={cx(
        'shrink-0 rounded px-1 text-2xs font-medium tabular-nums ring-1 ring-inset',
        exit.code === 0 ? 'text-faint ring-line-strong' : 'text-danger ring-danger/50',
      )}
    >
      {words}
    </span>
  );
}
