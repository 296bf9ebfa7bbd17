/**
 * One viewer of one terminal: bytes in, bytes out, nothing of the screen.
 *
 * Output is exact over reconnects: the connection remembers the next byte it expects, asks for the rest with
 * `since=`, drops bytes it has had and treats a hole as a protocol error. Acks tell the server what has been
 * *rendered*, so a slow screen slows the program and not the page.
 *
 * A terminal has the last size any viewer gave it. The viewer that gave it *leads*: it gives its size again after a
 * reconnect, while the others take over what they are told.
 */
import { ReconnectingSocket, type LinkStatus } from '@/lib/reconnecting-socket';
import { InputWindow } from './input-window';
import {
  Close,
  PROTOCOL,
  decodeFrame,
  encodeAck,
  encodeInput,
  encodeResize,
  encodeResume,
  type Control,
  type Exit,
} from './protocol';

/** Used until `hello` names the window. */
export const DEFAULT_WINDOW_BYTES = 256 * 1024;

/** An ack is sent each time this fraction of the window has been rendered. */
export const ACKS_PER_WINDOW = 4;

/**
 * Input younger than this when a connection breaks may not have arrived, whatever was heard since; the user is told.
 * So is input of any age since which nothing was heard.
 */
export const UNCERTAIN_INPUT_MS = 2_000;

/** Our close code for a frame of the server that makes no sense; browsers may only send 1000 and 3000–4999. */
export const CLOSE_BAD_SERVER_FRAME = 4002;

export type EndReason = 'closed' | 'gone' | 'signed_out' | 'elsewhere';

export interface Size {
  cols: number;
  rows: number;
}

export interface TerminalCallbacks {
  /**
   * New bytes for the screen; `rendered` must be called when they are on it. `replayed`: printed before the screen
   * was first drawn, so whoever asked something in them has had, or given up, the answer.
   */
  onOutput: (bytes: Uint8Array, rendered: () => void, replayed: boolean) => void;
  /** The screen must be cleared, after what was given before. */
  onClear: () => void;
  onStatus: (status: LinkStatus) => void;
  onHello?: (hello: Extract<Control, { type: 'hello' }>) => void;
  onExit?: (exit: Exit) => void;
  /** The terminal has a size that another viewer gave it. */
  onSize?: (size: Size) => void;
  onNotice?: (level: string, text: string) => void;
  /** The connection is over for good. */
  onEnd?: (reason: EndReason) => void;
  /** The handshake failed; the owner may find out why over HTTP. */
  onRefused?: () => void;
}

export class TerminalConnection {
  private readonly socket: ReconnectingSocket;
  private readonly input = new InputWindow();
  /** Sequence of the next output byte we have not had; `null` before the first hello. */
  private next: number | null = null;
  private rendered = 0;
  private acked = 0;
  /** End of what the server has sent on this connection: acks never go beyond. */
  private received = 0;
  private window = DEFAULT_WINDOW_BYTES;
  private greeted = false;
  private size: Size | null = null;
  /** Sizes sent and not yet heard back: the terminal's answer to each comes in order. */
  private echoes: Size[] = [];
  private leading = true;
  /** Output before this sequence was printed before the screen was first drawn. */
  private replayEnd = 0;
  private lastSentAt = Number.NEGATIVE_INFINITY;
  /** Whether anything came from the server since input was sent. */
  private heardSince = true;
  /** Whether nothing has been drawn since the screen was cleared. */
  private blank = false;
  /** Counts clears: what was drawn before one says nothing about the sequence after it. */
  private epoch = 0;

  constructor(
    url: string,
    private readonly callbacks: TerminalCallbacks,
  ) {
    this.socket = new ReconnectingSocket({
      url: () => (this.next === null ? url : `${url}?since=${this.next}`),
      protocol: PROTOCOL,
      onOpen: () => this.opened(),
      onMessage: (data) => this.message(data),
      onStatus: callbacks.onStatus,
      onClose: (code, wasOpen) => this.closed(code, wasOpen),
    });
  }

  get status(): LinkStatus {
    return this.socket.status;
  }

  /** Whether the terminal has this viewer's size, as far as is known here. */
  get leads(): boolean {
    return this.leading;
  }

  /** Queues input; `false` if so much is waiting already that it was refused. */
  send(bytes: Uint8Array): boolean {
    if (!this.input.push(bytes)) return false;
    this.pump();
    return true;
  }

  /** Gives the terminal the size of this screen, now and, while no other viewer gives it another, after reconnects. */
  resize(cols: number, rows: number): void {
    this.size = { cols, rows };
    this.leading = true;
    if (this.greeted) this.sendSize(this.size);
  }

  dispose(): void {
    this.socket.dispose();
  }

  private opened(): void {
    this.greeted = false;
  }

  private message(data: ArrayBuffer | string): void {
    this.heardSince = true;
    if (typeof data === 'string') return this.fail('text frame');
    try {
      const frame = decodeFrame(data);
      if (frame.type === 'output') this.output(frame.seq, frame.bytes);
      else if (frame.control) this.control(frame.control);
    } catch (error) {
      this.fail(error instanceof Error ? error.message : 'bad frame');
    }
  }

  private output(seq: number, bytes: Uint8Array): void {
    const next = this.next;
    if (next === null || !this.greeted) return this.fail('output before hello');
    if (seq > next) return this.fail('output has a hole');
    const end = seq + bytes.length;
    this.received = Math.max(this.received, end);
    if (end <= next) return this.acknowledge();
    this.next = end;
    this.blank = false;
    const old = Math.min(end, Math.max(next, this.replayEnd));
    this.draw(bytes.subarray(next - seq, old - seq), old, true);
    this.draw(bytes.subarray(old - seq), end, false);
  }

  private draw(bytes: Uint8Array, end: number, replayed: boolean): void {
    if (bytes.length === 0) return;
    const { epoch } = this;
    const rendered = (): void => {
      if (epoch !== this.epoch) return;
      this.rendered = Math.max(this.rendered, end);
      this.acknowledge();
    };
    this.callbacks.onOutput(bytes, rendered, replayed);
  }

  private acknowledge(): void {
    const offset = Math.min(this.rendered, this.received);
    if (offset - this.acked < this.window / ACKS_PER_WINDOW) return;
    if (this.socket.send(encodeAck(offset))) this.acked = offset;
  }

  private control(control: Control): void {
    switch (control.type) {
      case 'hello':
        return this.hello(control);
      case 'reset':
        // The hello before it may have said the same already.
        if (!this.blank || this.next !== control.seq) this.clear(control.seq);
        return;
      case 'exit':
        return this.callbacks.onExit?.({ code: control.code, signal: control.signal });
      case 'size':
        return this.resized({ cols: control.cols, rows: control.rows });
      case 'busy':
        return this.input.refuse(control.accepted);
      case 'input':
        // What was sent before the refusal was read may still arrive; this tells it from what comes again.
        if (this.input.accept(control.accepted)) this.socket.send(encodeResume(control.accepted));
        return this.pump();
      case 'notice':
        return this.callbacks.onNotice?.(control.level, control.text);
    }
  }

  private hello(hello: Extract<Control, { type: 'hello' }>): void {
    this.window = Math.max(1, hello.window);
    this.received = hello.seq;
    this.acked = hello.seq;
    // A first visit, a ring that has forgotten what we miss, or another program: draw from the start.
    if (hello.reset || this.next === null || hello.seq > this.next) {
      this.clear(hello.seq);
      this.replayEnd = hello.end;
    }
    this.greeted = true;
    this.echoes = [];
    this.callbacks.onHello?.(hello);
    if (this.size && this.leading) this.sendSize(this.size);
    else this.callbacks.onSize?.({ cols: hello.cols, rows: hello.rows });
    this.pump();
  }

  private sendSize(size: Size): void {
    if (this.socket.send(encodeResize(size.cols, size.rows))) this.echoes.push(size);
  }

  private resized(size: Size): void {
    const own = this.echoes.findIndex((echo) => echo.cols === size.cols && echo.rows === size.rows);
    this.leading = own >= 0;
    if (this.leading) this.echoes.splice(0, own + 1);
    else this.callbacks.onSize?.(size);
  }

  private clear(seq: number): void {
    this.next = seq;
    this.rendered = seq;
    this.received = seq;
    this.acked = seq;
    this.blank = true;
    this.epoch += 1;
    this.callbacks.onClear();
  }

  private pump(): void {
    if (!this.greeted) return;
    for (let chunk = this.input.next(); chunk; chunk = this.input.next()) {
      if (!this.socket.send(encodeInput(chunk))) return;
      this.lastSentAt = Date.now();
      this.heardSince = false;
    }
  }

  private closed(code: number, wasOpen: boolean): boolean {
    this.greeted = false;
    const unconfirmed = this.input.restart();
    const uncertain = !this.heardSince || Date.now() - this.lastSentAt < UNCERTAIN_INPUT_MS;
    if (unconfirmed > 0 && uncertain) {
      this.callbacks.onNotice?.('warning', 'What you typed last may not have arrived.');
    }
    if (!wasOpen) this.callbacks.onRefused?.();
    const end = endReason(code);
    if (end) this.callbacks.onEnd?.(end);
    return end !== null;
  }

  private fail(reason: string): void {
    this.greeted = false;
    this.socket.reset(CLOSE_BAD_SERVER_FRAME, reason);
  }
}

function endReason(code: number): EndReason | null {
  switch (code) {
    case Close.terminalClosed:
      return 'closed';
    case Close.gone:
      return 'gone';
    case Close.loginEnded:
      return 'signed_out';
    case Close.elsewhere:
      return 'elsewhere';
    default:
      return null;
  }
}
