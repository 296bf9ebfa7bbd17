import { describe, expect, it } from 'vitest';
import { INPUT_CHUNK_BYTES, INPUT_QUEUE_BYTES, INPUT_WINDOW_BYTES, InputWindow } from './input-window';
import { ProtocolError } from './protocol';

/** `count` bytes that tell their own offset. */
function numbered(count: number, from = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (from + i) % 251);
}

function drain(window: InputWindow): number[] {
  const out: number[] = [];
  for (let chunk = window.next(); chunk; chunk = window.next()) {
    expect(chunk.length).toBeLessThanOrEqual(INPUT_CHUNK_BYTES);
    out.push(...chunk);
  }
  return out;
}

describe('InputWindow', () => {
  it('sends at most one window before anything is accepted', () => {
    const window = new InputWindow();
    window.push(numbered(100_000));
    expect(drain(window)).toHaveLength(INPUT_WINDOW_BYTES);
    expect(window.next()).toBeNull();
  });

  it('continues where it stopped as bytes are accepted, in order and without loss', () => {
    const window = new InputWindow();
    const all = numbered(200_000);
    window.push(all.subarray(0, 70_000));
    window.push(all.subarray(70_000));
    const out = drain(window);
    for (let accepted = INPUT_CHUNK_BYTES; out.length < all.length; accepted += INPUT_CHUNK_BYTES) {
      window.accept(accepted);
      out.push(...drain(window));
    }
    expect(out).toEqual([...all]);
  });

  it('goes back to the accepted offset after a refusal and waits for more room', () => {
    const window = new InputWindow();
    const all = numbered(1_000);
    window.push(all);
    drain(window);
    window.refuse(400);
    expect(window.next()).toBeNull();
    expect(window.blocked).toBe(true);
    expect(window.accept(400)).toBe(true);
    expect(drain(window)).toEqual([...all.subarray(400)]);
    expect(window.accept(600)).toBe(false);
  });

  it('takes the same refusal twice without sending anything twice', () => {
    const window = new InputWindow();
    window.push(numbered(10));
    drain(window);
    window.refuse(4);
    window.refuse(4);
    window.accept(4);
    expect(drain(window)).toEqual([...numbered(6, 4)]);
  });

  it.each([
    ['a refusal of what was accepted already', (w: InputWindow) => w.refuse(3)],
    ['a refusal of what was never sent', (w: InputWindow) => w.refuse(11)],
    [
      'an end of the refusal elsewhere',
      (w: InputWindow) => {
        w.refuse(6);
        w.accept(7);
      },
    ],
  ])('takes %s for a fault', (_name, act) => {
    const window = new InputWindow();
    window.push(numbered(10));
    drain(window);
    window.accept(4);
    expect(() => act(window)).toThrow(ProtocolError);
  });

  it('sends what was refused after a reconnect: the server never took it', () => {
    const window = new InputWindow();
    window.push(numbered(10));
    drain(window);
    window.refuse(4);
    expect(window.restart()).toBe(0);
    expect(drain(window)).toEqual([...numbered(6, 4)]);
  });

  it('does not send again after a reconnect what may have run, but keeps what was never sent', () => {
    const window = new InputWindow();
    const all = numbered(INPUT_WINDOW_BYTES + 5);
    window.push(all);
    drain(window);
    window.accept(INPUT_CHUNK_BYTES);
    expect(window.restart()).toBe(INPUT_WINDOW_BYTES - INPUT_CHUNK_BYTES);
    expect(drain(window)).toEqual([...all.subarray(INPUT_WINDOW_BYTES)]);
    window.accept(5);
    expect(window.size).toBe(0);
  });

  it('ignores an accepted offset beyond what was sent', () => {
    const window = new InputWindow();
    window.push(numbered(10));
    window.accept(99);
    expect(drain(window)).toEqual([...numbered(10)]);
  });

  it('refuses more than it can keep', () => {
    const window = new InputWindow();
    expect(window.push(new Uint8Array(INPUT_QUEUE_BYTES))).toBe(true);
    expect(window.push(new Uint8Array(1))).toBe(false);
  });
});
