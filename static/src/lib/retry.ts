/** A timer for trying again: a little later each time, until it is told that all is well. */
import { backoffDelay } from './backoff';

/** Added to each delay: what is read here is a whole file or listing, and the server may be short of breath. */
export const RETRY_FLOOR_MS = 1_000;

export class Retry {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private attempt = 0;

  later(run: () => void): void {
    this.cancel();
    this.timer = setTimeout(run, RETRY_FLOOR_MS + backoffDelay(this.attempt));
    this.attempt += 1;
  }

  /** It went well: the next failure begins anew. */
  reset(): void {
    this.cancel();
    this.attempt = 0;
  }

  cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
