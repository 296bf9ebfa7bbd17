/**
 * Notices a link that died without a word: the server's pings are answered beneath the page, to which such a link
 * looks connected for ever.
 *
 * While connected and visible: `heard → silent → asking → heard | dead`. The question goes over HTTP, since the page
 * cannot make the socket answer.
 */
import type { LinkStatus } from '@/lib/reconnecting-socket';
import type { SessionEvent } from './events';

/** A session that runs tells what it uses every 2 s: four of those are missing. */
export const SILENT_MS = 8_000;

/** One that does not run has nothing to tell for hours; looked after more seldom. */
export const QUIET_MS = 30_000;

/** A server that is there answers a small question sooner. */
export const ANSWER_MS = 5_000;

export class LinkWatch {
  private connected = false;
  /** Whether this connection has told what the session uses, and so would go on to. */
  private talks = false;
  private heardAt = 0;
  private asking = false;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    /** Asks the server something small: whether it answers, and the page shows what it says. */
    private readonly ask: (signal: AbortSignal) => Promise<boolean>,
    private readonly onDead: () => void,
  ) {
    document.addEventListener('visibilitychange', this.look);
    window.addEventListener('online', this.askNow);
  }

  /** The state of the socket that is watched. */
  status(status: LinkStatus): void {
    this.connected = status === 'connected';
    this.talks = false;
    this.heardAt = Date.now();
    this.look();
  }

  heard(event: SessionEvent): void {
    this.heardAt = Date.now();
    if (event.type === 'usage') this.talks = true;
    else if (event.type === 'state' && event.state !== 'ready') this.talks = false;
  }

  dispose(): void {
    this.connected = false;
    this.clearTimer();
    document.removeEventListener('visibilitychange', this.look);
    window.removeEventListener('online', this.askNow);
  }

  private get watching(): boolean {
    return this.connected && document.visibilityState === 'visible';
  }

  /** Until when silence means nothing. */
  private get patience(): number {
    return this.heardAt + (this.talks ? SILENT_MS : QUIET_MS) - Date.now();
  }

  private readonly look = (): void => {
    this.clearTimer();
    if (!this.watching) return;
    if (this.patience <= 0) this.askNow();
    // Not longer than a session that begins to talk would be waited for.
    else this.timer = setTimeout(this.look, Math.min(this.patience, SILENT_MS));
  };

  private readonly askNow = (): void => {
    if (this.asking || !this.watching) return;
    this.asking = true;
    const { heardAt } = this;
    const answered = (well: boolean): void => {
      this.asking = false;
      const silent = this.connected && this.heardAt === heardAt;
      if (silent && (!well || (this.talks && this.patience <= 0))) return this.onDead();
      // The answer was a sign of life too.
      if (silent) this.heardAt = Date.now();
      this.look();
    };
    this.ask(AbortSignal.timeout(ANSWER_MS)).then(answered, () => answered(false));
  };

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
