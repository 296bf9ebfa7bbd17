/**
 * Wire format of `carrel.terminal.v1`: binary frames whose first byte is a tag.
 *
 * Client → server: `0` input bytes · `1` ack (u64 LE) · `2` resize (u16 LE columns, u16 LE rows) ·
 * `3` resume (u64 LE: offset of the input that follows, after a refusal).
 * Server → client: `0` output (u64 LE sequence of its first byte, then bytes) · `1` control (JSON).
 */
import { isRecord } from '@/lib/storage';

export const PROTOCOL = 'carrel.terminal.v1';

const TAG_INPUT = 0;
const TAG_ACK = 1;
const TAG_RESIZE = 2;
const TAG_RESUME = 3;
const TAG_OUTPUT = 0;
const TAG_CONTROL = 1;
const SEQUENCE_BYTES = 8;

/** Close codes of the server, as docs/terminal-protocol.md lists them. */
export const Close = {
  terminalClosed: 1000,
  goingAway: 1001,
  protocolError: 1002,
  loginEnded: 4401,
  gone: 4404,
  stalledViewer: 4408,
  elsewhere: 4409,
  sandboxGone: 4503,
} as const;

/** How a program ended; both absent when nobody knows. */
export interface Exit {
  code: number | null;
  signal: number | null;
}

export type Control =
  /** First frame: where output begins, what the window is, and whether the screen must be cleared first. */
  | {
      type: 'hello';
      seq: number;
      end: number;
      cols: number;
      rows: number;
      name: string;
      window: number;
      reset: boolean;
    }
  /** Clear the screen; output continues at `seq`. */
  | { type: 'reset'; seq: number }
  /** The program has ended. */
  | ({ type: 'exit' } & Exit)
  /** Another viewer, or we, changed the size. */
  | { type: 'size'; cols: number; rows: number }
  /** Input after `accepted` bytes of this connection was refused. */
  | { type: 'busy'; accepted: number }
  /** Input has been taken up to `accepted` bytes of this connection. */
  | { type: 'input'; accepted: number }
  /** Words for the user. */
  | { type: 'notice'; level: string; text: string };

export type ServerFrame =
  { type: 'output'; seq: number; bytes: Uint8Array } | { type: 'control'; control: Control | null };

/** A frame the protocol does not allow. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export function encodeInput(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(1 + bytes.length);
  frame[0] = TAG_INPUT;
  frame.set(bytes, 1);
  return frame;
}

export function encodeAck(offset: number): Uint8Array<ArrayBuffer> {
  return encodeOffset(TAG_ACK, offset);
}

export function encodeResume(offset: number): Uint8Array<ArrayBuffer> {
  return encodeOffset(TAG_RESUME, offset);
}

function encodeOffset(tag: number, offset: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(1 + SEQUENCE_BYTES);
  frame[0] = tag;
  new DataView(frame.buffer).setBigUint64(1, BigInt(offset), true);
  return frame;
}

export function encodeResize(cols: number, rows: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(5);
  const view = new DataView(frame.buffer);
  frame[0] = TAG_RESIZE;
  view.setUint16(1, cols, true);
  view.setUint16(3, rows, true);
  return frame;
}

export function decodeFrame(data: ArrayBuffer): ServerFrame {
  const bytes = new Uint8Array(data);
  switch (bytes[0] ?? -1) {
    case TAG_OUTPUT: {
      if (bytes.length < 1 + SEQUENCE_BYTES) throw new ProtocolError('output frame is too short');
      const seq = new DataView(data).getBigUint64(1, true);
      if (seq > BigInt(Number.MAX_SAFE_INTEGER)) throw new ProtocolError('sequence is out of range');
      return { type: 'output', seq: Number(seq), bytes: bytes.subarray(1 + SEQUENCE_BYTES) };
    }
    case TAG_CONTROL:
      return { type: 'control', control: parseControl(new TextDecoder().decode(bytes.subarray(1))) };
    default:
      throw new ProtocolError(`unknown tag ${String(bytes[0])}`);
  }
}

/** A control message; `null` for a type this page does not know yet. */
function parseControl(text: string): Control | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError('control frame is not JSON');
  }
  if (!isRecord(value)) throw new ProtocolError('control frame is not an object');
  const frame = value;
  const number = (name: string): number => {
    const field = frame[name];
    if (typeof field !== 'number' || !Number.isSafeInteger(field) || field < 0) {
      throw new ProtocolError(`control field ${name} is not a number`);
    }
    return field;
  };
  const optional = (name: string): number | null => (typeof frame[name] === 'number' ? frame[name] : null);
  const words = (name: string): string => (typeof frame[name] === 'string' ? frame[name] : '');
  switch (frame['type']) {
    case 'hello':
      return {
        type: 'hello',
        seq: number('seq'),
        end: number('end'),
        cols: number('cols'),
        rows: number('rows'),
        name: words('name'),
        window: number('window'),
        reset: frame['reset'] === true,
      };
    case 'reset':
      return { type: 'reset', seq: number('seq') };
    case 'exit':
      return { type: 'exit', code: optional('code'), signal: optional('signal') };
    case 'size':
      return { type: 'size', cols: number('cols'), rows: number('rows') };
    case 'busy':
      return { type: 'busy', accepted: number('accepted') };
    case 'input':
      return { type: 'input', accepted: number('accepted') };
    case 'notice':
      return { type: 'notice', level: words('level'), text: words('text') };
    default:
      return null;
  }
}
