/** What the sandbox uses, in words. */
import type { LiveUsage } from '@/features/session/events';
import { formatBytes } from '@/lib/format';

export function cpuWords({ cpu_percent: percent, cpus }: LiveUsage): string {
  return `${Math.round(percent)} % of ${cpus === 1 ? '1 CPU' : `${cpus} CPUs`}`;
}

export function bytesWords(bytes: number, limit: number): string {
  return `${formatBytes(bytes)} of ${formatBytes(limit)}`;
}
