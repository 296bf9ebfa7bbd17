import { describe, expect, it } from 'vitest';
import { ProtocolError, decodeFrame, encodeAck, encodeInput, encodeResize, encodeResume } from './protocol';

function bytes(...values: number[]): ArrayBuffer {
  return Uint8Array.from(values).buffer;
}

function control(value: unknown): ArrayBuffer {
  return Uint8Array.from([1, ...new TextEncoder().encode(JSON.stringify(value))]).buffer;
}

describe('frames of the client', () => {
  it('tag input with 0', () => expect([...encodeInput(Uint8Array.of(104, 105))]).toEqual([0, 104, 105]));

  it('carry an ack as a little-endian 64-bit offset', () => {
    expect([...encodeAck(0x0102_0304_0506)]).toEqual([1, 6, 5, 4, 3, 2, 1, 0, 0]);
  });

  it('carry where input goes on as tag 3 and a little-endian 64-bit offset', () => {
    expect([...encodeResume(0x0102_0304_0506)]).toEqual([3, 6, 5, 4, 3, 2, 1, 0, 0]);
  });

  it('carry a size as two little-endian 16-bit numbers', () => {
    expect([...encodeResize(300, 24)]).toEqual([2, 0x2c, 1, 24, 0]);
  });
});

describe('frames of the server', () => {
  it('carry output with the sequence of its first byte', () => {
    const frame = decodeFrame(bytes(0, 0, 1, 0, 0, 0, 0, 0, 0, 65, 66));
    expect(frame).toMatchObject({ type: 'output', seq: 256 });
    expect(frame.type === 'output' && [...frame.bytes]).toEqual([65, 66]);
  });

  it.each([
    [
      { type: 'reset', seq: 7 },
      { type: 'reset', seq: 7 },
    ],
    [
      { type: 'exit', code: 3, signal: null },
      { type: 'exit', code: 3, signal: null },
    ],
    [
      { type: 'exit', code: null, signal: 9 },
      { type: 'exit', code: null, signal: 9 },
    ],
    [
      { type: 'busy', accepted: 5 },
      { type: 'busy', accepted: 5 },
    ],
    [
      { type: 'input', accepted: 16384 },
      { type: 'input', accepted: 16384 },
    ],
    [
      { type: 'size', cols: 80, rows: 24 },
      { type: 'size', cols: 80, rows: 24 },
    ],
    [{ type: 'from_the_future', x: 1 }, null],
  ])('carry control %j', (sent, expected) => {
    expect(decodeFrame(control(sent))).toEqual({ type: 'control', control: expected });
  });

  it.each([
    ['an unknown tag', bytes(9, 1)],
    ['an empty frame', bytes()],
    ['a short output frame', bytes(0, 1, 2)],
    ['a sequence beyond exact numbers', bytes(0, 0, 0, 0, 0, 0, 0, 0, 0xff)],
    ['control that is not JSON', bytes(1, 123)],
    ['control that is a list', control([1])],
    ['a hello without a window', control({ type: 'hello', seq: 0, end: 0, cols: 80, rows: 24 })],
    ['a negative offset', control({ type: 'reset', seq: -1 })],
  ])('are refused with %s', (_name, frame) => expect(() => decodeFrame(frame)).toThrow(ProtocolError));
});
