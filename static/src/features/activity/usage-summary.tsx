/** CPU, memory and disk in the status bar; leads to the whole of it. */
'use client';

import { LEVEL_TEXT, levelOf } from '@/components/meter';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { formatBytes } from '@/lib/format';
import { useStore } from '@/lib/store';
import { bytesWords } from './usage-words';

const MIB = 1024 * 1024;

export function UsageSummary({ onOpen }: { onOpen: () => void }) {
  const workspace = useWorkspace();
  const usage = useStore(workspace.usage);
  const { quotas } = useStore(workspace.session);
  if (!usage) {
    return (
      <span className="text-faint" title="Limits of this session">
        Python 3.11 · {quotas.cpus} CPU · {formatBytes(quotas.memory_mb * MIB)} ·{' '}
        {formatBytes(quotas.disk_mb * MIB)} disk
      </span>
    );
  }
  const { memory_bytes: memory, memory_limit_bytes: memoryLimit } = usage;
  const { disk_bytes: disk, disk_limit_bytes: diskLimit } = usage;
  const colour = (value: number, limit: number): string => {
    const level = levelOf(value, limit);
    return level === 'fine' ? '' : cx('font-medium', LEVEL_TEXT[level]);
  };
  return (
    <button
      type="button"
      onClick={onOpen}
      title="Programs and what they use (Ctrl+Shift+Y)"
      className="flex h-full items-center gap-3 rounded px-1 text-faint tabular-nums hover:bg-hover hover:text-fg"
    >
      <span className="sr-only">Activity:</span>
      <span className="min-w-16 text-left">CPU {Math.round(usage.cpu_percent)} %</span>
      <span className={cx('min-w-28 text-left', colour(memory, memoryLimit))}>
        Mem {bytesWords(memory, memoryLimit)}
      </span>
      <span className={cx('min-w-28 text-left', colour(disk, diskLimit))}>
        Disk {bytesWords(disk, diskLimit)}
      </span>
    </button>
  );
}
