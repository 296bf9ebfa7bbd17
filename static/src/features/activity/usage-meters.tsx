/** CPU, memory, disk and number of programs against their limits, live. */
'use client';

import { Meter } from '@/components/meter';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { useStore } from '@/lib/store';
import { bytesWords, cpuWords } from './usage-words';

const NOTHING_YET = '–';

export function UsageMeters() {
  const workspace = useWorkspace();
  const usage = useStore(workspace.usage);
  return (
    <div className="flex flex-col gap-3 border-b px-3 py-3">
      <Meter
        label="CPU"
        harmless
        value={usage?.cpu_percent ?? 0}
        limit={(usage?.cpus ?? 1) * 100}
        words={usage ? cpuWords(usage) : NOTHING_YET}
      />
      <Meter
        label="Memory"
        value={usage?.memory_bytes ?? 0}
        limit={usage?.memory_limit_bytes ?? 0}
        words={usage ? bytesWords(usage.memory_bytes, usage.memory_limit_bytes) : NOTHING_YET}
        advice="At the limit the largest program is ended."
      />
      <Meter
        label="Disk"
        value={usage?.disk_bytes ?? 0}
        limit={usage?.disk_limit_bytes ?? 0}
        words={usage ? bytesWords(usage.disk_bytes, usage.disk_limit_bytes) : NOTHING_YET}
        advice="At the limit nothing more can be written. Delete what is not needed."
      />
      <Meter
        label="Programs and threads"
        value={usage?.processes ?? 0}
        limit={usage?.processes_limit ?? 0}
        words={usage ? `${usage.processes} of ${usage.processes_limit}` : NOTHING_YET}
        advice="At the limit no more can be started."
      />
    </div>
  );
}
