/**
 * What the user typed and the server has not accepted yet.
 *
 * Offsets count the input bytes of one connection. Bytes stay here until `accepted` covers them, at most
 * `INPUT_WINDOW_BYTES` are under way at once, and a refusal rewinds to the accepted offset and waits there until
 * the server takes input again. After a connection broke, what had been sent is *not* sent again: it may have run, and a command must not run twice.
 */

import { ProtocolError } from './protocol';

/** Most input under way: the server's own window per connection. */
export const INPUT_WINDOW_BYTES = 64 * 1024;

/** Largest input frame; the server reports progress at the same step. */
export const INPUT_CHUNK_BYTES = 16 * 1024;

/** Most input kept for sending; more is refused so that a runaway paste cannot eat the page. */
export const INPUT_QUEUE_BYTES = 32 * 1024 * 1024;

export class InputWindow {
  /** Bytes from offset `base` on, in pieces. */
  private pieces: Uint8Array[] = [];
  private base = 0;
  private sent = 0;
  private end = 0;
  private refused = false;

  /** Bytes kept, sent or not. */
  get size(): number {
    return this.end - this.base;
  }

  /** Bytes never sent on this connection. */
  get unsent(): number {
    return this.end - this.sent;
  }

  /** Whether the server has refused input and has not yet said that it takes more. */
  get blocked(): boolean {
    return this.refused;
  }

  /** Takes input; `false` if there is no room for it. */
  push(bytes: Uint8Array): boolean {
    if (this.size + bytes.length > INPUT_QUEUE_BYTES) return false;
    if (bytes.length > 0) this.pieces.push(bytes);
    this.end += bytes.length;
    return true;
  }

  /** The next bytes to send, at most one chunk; `null` when there are none or the window is full. */
  next(): Uint8Array | null {
    if (this.refused) return null;
    const room = Math.min(INPUT_CHUNK_BYTES, this.base + INPUT_WINDOW_BYTES - this.sent, this.unsent);
    if (room <= 0) return null;
    const chunk = this.copy(this.sent - this.base, room);
    this.sent += room;
    return chunk;
  }

  /**
   * The server has taken `accepted` bytes of this connection. Returns whether that ends a refusal: input then goes
   * on from `accepted`, and the server must be told so first.
   */
  accept(accepted: number): boolean {
    const resumes = this.refused;
    if (resumes && accepted !== this.sent) throw new ProtocolError('input goes on where it was not refused');
    this.refused = false;
    this.forgetUntil(accepted);
    return resumes;
  }

  /** The server took `accepted` bytes and refused the rest: go back, and wait for `accept`. */
  refuse(accepted: number): void {
    if (accepted < this.base || accepted > this.sent)
      throw new ProtocolError('refusal outside what was sent');
    this.forgetUntil(accepted);
    this.sent = accepted;
    this.refused = true;
  }

  /** A new connection: offsets start at 0 with what was never sent. Returns how many sent bytes are unconfirmed. */
  restart(): number {
    const unconfirmed = this.sent - this.base;
    this.forgetUntil(this.sent);
    this.end -= this.base;
    this.base = 0;
    this.sent = 0;
    this.refused = false;
    return unconfirmed;
  }

  private forgetUntil(offset: number): void {
    let surplus = Math.min(offset, this.sent) - this.base;
    if (surplus <= 0) return;
    this.base += surplus;
    while (surplus > 0) {
      const first = this.pieces[0];
      if (!first) return;
      if (first.length <= surplus) {
        this.pieces.shift();
        surplus -= first.length;
      } else {
        this.pieces[0] = first.subarray(surplus);
        return;
      }
    }
  }

  private copy(from: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    let skip = from;
    let filled = 0;
    for (const piece of this.pieces) {
      if (filled === length) break;
      if (skip >= piece.length) {
        skip -= piece.length;
        continue;
      }
      const part = piece.subarray(skip, skip + length - filled);
      out.set(part, filled);
      filled += part.length;
      skip = 0;
    }
    return out;
  }
}
