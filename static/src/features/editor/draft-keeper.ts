/** Keeps the draft of one open file in step with its text. */
import type { Drafts } from './drafts';

/** How long after a key the draft is written: what a crash can cost. */
export const DRAFT_DELAY_MS = 400;

export class DraftKeeper {
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly drafts: Drafts,
    /** The text to be kept, and the tag it builds on; `null` when there is nothing unsaved. */
    private readonly unsaved: () => { path: string; text: string; etag: string } | null,
  ) {}

  /** A key was pressed. */
  edited(): void {
    this.timer ??= setTimeout(() => void this.keep(), DRAFT_DELAY_MS);
  }

  /** Keeps the present text, which is read before this returns. */
  async keep(): Promise<void> {
    this.cancel();
    const now = this.unsaved();
    // A full or forbidden database only costs the protection against crashes; the text is still here.
    if (now) await this.drafts.keep(now.path, now.text, now.etag).catch(() => undefined);
  }

  /** Keeps at once what was to be kept in a moment. */
  flush(): Promise<void> {
    return this.timer === null ? Promise.resolve() : this.keep();
  }

  drop(path: string): Promise<void> {
    return this.drafts.drop(path).catch(() => undefined);
  }

  cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
