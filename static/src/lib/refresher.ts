/** Reads something anew when asked to: one reading under way, at most one more after it, and again when it failed. */
import { Retry } from './retry';

export class Refresher {
  private running = false;
  private pending = false;
  private disposed = false;
  private readonly retry = new Retry();

  constructor(
    private readonly read: () => Promise<void>,
    /** Told after each reading whether it failed: what is shown may then be old. */
    private readonly onStale: (stale: boolean) => void,
  ) {}

  request(): void {
    if (this.running) this.pending = true;
    else if (!this.disposed) void this.run();
  }

  dispose(): void {
    this.disposed = true;
    this.retry.cancel();
  }

  private async run(): Promise<void> {
    this.running = true;
    this.retry.cancel();
    let failed: boolean;
    do {
      this.pending = false;
      failed = await this.read().then(
        () => false,
        () => true,
      );
    } while (this.pending && !this.disposed);
    this.running = false;
    if (this.disposed) return;
    this.onStale(failed);
    if (failed) this.retry.later(() => this.request());
    else this.retry.reset();
  }
}
