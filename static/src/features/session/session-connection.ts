/** The live events of one session, over a socket that comes back by itself. */
import { ReconnectingSocket, type LinkStatus } from '@/lib/reconnecting-socket';
import { parseEvent, PROTOCOL, type SessionEvent } from './events';

/** The login this socket was opened with has ended. */
export const CLOSE_LOGIN_ENDED = 4401;

/** The session is deleted, or was never ours. */
export const CLOSE_GONE = 4404;

/** Another server has the session; the reason may say which. */
export const CLOSE_ELSEWHERE = 4409;

export interface SessionCallbacks {
  onEvent: (event: SessionEvent) => void;
  onStatus: (status: LinkStatus) => void;
  onGone: () => void;
  onSignedOut: () => void;
  /** `serverUrl` as the server wrote it, empty when it did not. */
  onElsewhere: (serverUrl: string) => void;
  /** The handshake failed; the owner may find out why over HTTP. */
  onRefused: () => void;
}

export class SessionConnection {
  private readonly socket: ReconnectingSocket;

  constructor(url: string, callbacks: SessionCallbacks) {
    this.socket = new ReconnectingSocket({
      url: () => url,
      protocol: PROTOCOL,
      onOpen: () => undefined,
      onMessage: (data) => {
        const event = typeof data === 'string' ? parseEvent(data) : null;
        if (event) callbacks.onEvent(event);
      },
      onStatus: callbacks.onStatus,
      onClose: (code, wasOpen, reason) => {
        if (code === CLOSE_LOGIN_ENDED) callbacks.onSignedOut();
        else if (code === CLOSE_GONE) callbacks.onGone();
        else if (code === CLOSE_ELSEWHERE) callbacks.onElsewhere(reason);
        else if (!wasOpen) callbacks.onRefused();
        return code === CLOSE_LOGIN_ENDED || code === CLOSE_GONE || code === CLOSE_ELSEWHERE;
      },
    });
  }

  dispose(): void {
    this.socket.dispose();
  }
}
