/** What the files take of what they may, at the foot of the tree; a warning once little is left. */
'use client';

import { TriangleAlert } from 'lucide-react';
import { useMemo } from 'react';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { formatBytes } from '@/lib/format';
import { useStore } from '@/lib/store';
import { WARN_FROM, limitsOf, usageOf } from './usage';

export function WorkspaceUsage() {
  const workspace = useWorkspace();
  const { tree } = useStore(workspace.tree.state);
  const limits = limitsOf(useStore(workspace.session));
  const { bytes, items } = useMemo(() => usageOf(tree), [tree]);
  const parts = { bytes: bytes / limits.bytes, items: items / limits.items };
  const part = Math.max(parts.bytes, parts.items);
  const full = part >= 1;
  const warn = part >= WARN_FROM;
  const left =
    parts.items > parts.bytes ? `${limits.items - items} files` : formatBytes(limits.bytes - bytes);
  const amount = `${formatBytes(bytes)} of ${formatBytes(limits.bytes)}`;
  const words = `${items} of ${limits.items} items · ${amount}`;
  // Both limits do not fit beside each other; the narrower one matters.
  const short =
    parts.items > parts.bytes && warn
      ? `${items} of ${limits.items} items`
      : `${items} ${items === 1 ? 'item' : 'items'} · ${amount}`;
  return (
    <footer className="shrink-0 border-t px-3 py-1.5 text-2xs text-muted" data-warn={warn || undefined}>
      {warn ? (
        <p role="alert" className={cx('flex items-start gap-1.5 pb-1', full ? 'text-danger' : 'text-warn')}>
          <TriangleAlert aria-hidden className="mt-0.5 size-3 shrink-0" />
          <span>
            {full
              ? 'There is no room left: what is written now is not saved. Delete what is not needed.'
              : `Only ${left} are left. At the limit nothing more is saved.`}
          </span>
        </p>
      ) : null}
      <div
        role="meter"
        aria-label="Files of the session"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, Math.round(part * 100))}
        aria-valuetext={words}
        title={words}
        className="flex items-center gap-2"
      >
        <span className="flex-1 truncate tabular-nums">{short}</span>
        <span
          aria-hidden
          className="h-1 w-14 overflow-hidden rounded-full bg-hover ring-1 ring-line ring-inset"
        >
          <span
            className={cx('block h-full rounded-full', full ? 'bg-danger' : warn ? 'bg-warn' : 'bg-accent')}
            style={{ width: `${Math.min(100, part * 100).toFixed(1)}%` }}
          />
        </span>
      </div>
    </footer>
  );
}
