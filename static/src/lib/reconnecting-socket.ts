/**
 * A WebSocket that comes back by itself.
 *
 * `connecting → connected → (reconnecting | restarting | offline) → connected …`, `closed` for good after
 * `dispose()` or a close code the owner calls final. It knows nothing about what the messages mean.
 */
import { backoffDelay } from './backoff';

/** What the user is told about a connection. */
export type LinkStatus = 'connecting' | 'connected' | 'reconnecting' | 'restarting' | 'offline' | 'closed';

/** RFC 6455: the server is going away; ours sends it when it restarts. */
export const CLOSE_GOING_AWAY = 1001;

/** RFC 6455: the connection broke without a close frame. */
const CLOSE_ABNORMAL = 1006;

/** A handshake that takes longer than this is given up and tried again. */
export const OPEN_TIMEOUT_MS = 10_000;

export interface SocketEvents {
  /** Where to connect; asked anew for every attempt. */
  url: () => string;
  protocol: string;
  onOpen: () => void;
  onMessage: (data: ArrayBuffer | string) => void;
  onStatus: (status: LinkStatus) => void;
  /** After each close, with whether the socket had been open and the server's words; `true`: do not come back. */
  onClose: (code: number, wasOpen: boolean, reason: string) => boolean;
}

const sockets = new Set<ReconnectingSocket>();

/** The network is another one, or gone without a word: every connection of the page is made anew. */
export function abandonConnections(): void {
  for (const socket of sockets) socket.abandon();
}

export class ReconnectingSocket {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private attempt = 0;
  private current: LinkStatus = 'connecting';
  private disposed = false;

  constructor(private readonly events: SocketEvents) {
    window.addEventListener('online', this.wake);
    window.addEventListener('offline', this.sleep);
    document.addEventListener('visibilitychange', this.visible);
    sockets.add(this);
    this.connect();
  }

  get status(): LinkStatus {
    return this.current;
  }

  /** Sends if the socket is open; tells whether it was. */
  send(data: Uint8Array<ArrayBuffer> | string): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(data);
    return true;
  }

  /** Drops the present connection, for example after nonsense arrived, and connects again. */
  reset(code: number, reason: string): void {
    this.socket?.close(code, reason);
  }

  /** Lets go of a connection that is thought dead, on which a closing handshake would take long to fail. */
  abandon(): void {
    if (this.current !== 'connected') return;
    this.detach()?.close();
    this.closed(CLOSE_ABNORMAL, true, '');
  }

  dispose(): void {
    this.disposed = true;
    sockets.delete(this);
    window.removeEventListener('online', this.wake);
    window.removeEventListener('offline', this.sleep);
    document.removeEventListener('visibilitychange', this.visible);
    this.clearTimer();
    this.detach()?.close(1000);
    this.setStatus('closed');
  }

  private connect(): void {
    this.clearTimer();
    const socket = new WebSocket(this.events.url(), this.events.protocol);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    let wasOpen = false;
    const timeout = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(timeout);
      wasOpen = true;
      this.attempt = 0;
      this.setStatus('connected');
      this.events.onOpen();
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => this.events.onMessage(event.data);
    socket.onclose = (event) => {
      clearTimeout(timeout);
      this.detach();
      this.closed(event.code, wasOpen, event.reason);
    };
  }

  private closed(code: number, wasOpen: boolean, reason: string): void {
    const final = this.events.onClose(code, wasOpen, reason);
    if (this.disposed) return;
    if (final) {
      this.dispose();
      return;
    }
    if (!navigator.onLine) this.setStatus('offline');
    else if (code === CLOSE_GOING_AWAY) this.setStatus('restarting');
    else if (this.current !== 'restarting' && this.current !== 'connecting') this.setStatus('reconnecting');
    else if (this.current === 'connecting' && this.attempt > 0) this.setStatus('reconnecting');
    this.timer = setTimeout(() => this.connect(), backoffDelay(this.attempt));
    this.attempt += 1;
  }

  /** Lets go of the socket so that late events of it are not heard. */
  private detach(): WebSocket | null {
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    return socket;
  }

  private readonly wake = (): void => {
    if (this.timer === null) return;
    this.attempt = 0;
    if (this.current === 'offline') this.setStatus('reconnecting');
    this.connect();
  };

  private readonly sleep = (): void => {
    if (this.current !== 'connected' && !this.disposed) this.setStatus('offline');
  };

  private readonly visible = (): void => {
    if (document.visibilityState === 'visible') this.wake();
  };

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private setStatus(status: LinkStatus): void {
    if (status === this.current) return;
    this.current = status;
    this.events.onStatus(status);
  }
}
