/** How much there is of something. */
import { formatBytes } from '@/lib/format';

/** `3 items, 1.5 KB`. */
export function amountWords({ items, bytes }: { items: number; bytes: number }): string {
  return `${items} ${items === 1 ? 'item' : 'items'}, ${formatBytes(bytes)}`;
}
