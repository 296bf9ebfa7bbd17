/** Where the cursor of the editor in front is, for the status bar. */
import { Store } from '@/lib/store';

export interface Cursor {
  line: number;
  column: number;
}

export const cursorStore = new Store<Cursor | null>(null);

export function setCursor(cursor: Cursor | null): void {
  cursorStore.set(cursor);
}
