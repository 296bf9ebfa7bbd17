// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeSocket } from '@/test/fake-socket';
import { CLOSE_BAD_SERVER_FRAME, TerminalConnection } from './terminal-connection';
import { LONGEST_DELAY_MS } from '@/lib/backoff';

const WINDOW = 1_000;

function output(seq: number, text: string): ArrayBuffer {
  const body = new TextEncoder().encode(text);
  const frame = new Uint8Array(9 + body.length);
  new DataView(frame.buffer).setBigUint64(1, BigInt(seq), true);
  frame.set(body, 9);
  return frame.buffer;
}

function control(value: Record<string, unknown>): ArrayBuffer {
  return Uint8Array.from([1, ...new TextEncoder().encode(JSON.stringify(value))]).buffer;
}

function hello(seq: number, more: Record<string, unknown> = {}): ArrayBuffer {
  return control({
    type: 'hello',
    seq,
    end: seq,
    cols: 80,
    rows: 24,
    name: 'bash',
    window: WINDOW,
    reset: false,
    ...more,
  });
}

/** A connection whose screen is a string; bytes count as drawn when `draw` is called. */
function setUp() {
  let shown = '';
  const waiting: (() => void)[] = [];
  const seen = {
    notices: [] as string[],
    ends: [] as string[],
    statuses: [] as string[],
    clears: 0,
    sizes: [] as string[],
    replayed: '',
  };
  const connection = new TerminalConnection('ws://host/t', {
    onOutput: (bytes, rendered, replayed) => {
      const text = new TextDecoder().decode(bytes);
      shown += text;
      if (replayed) seen.replayed += text;
      waiting.push(rendered);
    },
    onClear: () => {
      shown = '';
      seen.clears += 1;
    },
    onStatus: (status) => seen.statuses.push(status),
    onSize: ({ cols, rows }) => seen.sizes.push(`${cols}x${rows}`),
    onNotice: (_level, text) => seen.notices.push(text),
    onEnd: (reason) => seen.ends.push(reason),
  });
  return {
    connection,
    seen,
    screen: () => shown,
    draw: () => waiting.splice(0).forEach((rendered) => rendered()),
  };
}

function frames(tag: number): number[][] {
  return FakeSocket.last.sent
    .filter((f): f is Uint8Array => f instanceof Uint8Array && f[0] === tag)
    .map((f) => [...f]);
}

function acks(): number[] {
  return frames(1).map((f) => Number(new DataView(Uint8Array.from(f).buffer).getBigUint64(1, true)));
}

function typed(): string {
  return frames(0)
    .map((f) => new TextDecoder().decode(Uint8Array.from(f.slice(1))))
    .join('');
}

async function reconnect(): Promise<void> {
  const before = FakeSocket.made.length;
  await vi.advanceTimersByTimeAsync(LONGEST_DELAY_MS);
  expect(FakeSocket.made.length).toBe(before + 1);
  FakeSocket.last.open();
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.install();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('output', () => {
  it('is asked for without since on a first visit and drawn from a clear screen', () => {
    const { seen, screen } = setUp();
    expect(FakeSocket.last.url).toBe('ws://host/t');
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(500));
    FakeSocket.last.receive(output(500, 'abc'));
    expect(screen()).toBe('abc');
    expect(seen.clears).toBe(1);
  });

  it('continues exactly after a reconnect: nothing doubled, nothing missing, the screen kept', async () => {
    const { screen, seen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    FakeSocket.last.receive(output(0, 'one '));
    FakeSocket.last.drop();
    await reconnect();
    expect(FakeSocket.last.url).toBe('ws://host/t?since=4');
    FakeSocket.last.receive(hello(4));
    FakeSocket.last.receive(output(4, 'two'));
    expect(screen()).toBe('one two');
    expect(seen.clears).toBe(1);
  });

  it('drops bytes it has had already', async () => {
    const { screen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    FakeSocket.last.receive(output(0, 'abcdef'));
    FakeSocket.last.drop();
    await reconnect();
    FakeSocket.last.receive(hello(2));
    FakeSocket.last.receive(output(2, 'cd'));
    FakeSocket.last.receive(output(4, 'efgh'));
    expect(screen()).toBe('abcdefgh');
  });

  it('starts afresh when the ring has forgotten what is missing', async () => {
    const { screen, seen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    FakeSocket.last.receive(output(0, 'old'));
    FakeSocket.last.drop();
    await reconnect();
    FakeSocket.last.receive(hello(9_000, { reset: true }));
    FakeSocket.last.receive(output(9_000, 'new'));
    expect(screen()).toBe('new');
    expect(seen.clears).toBe(2);
  });

  it('clears on reset and goes on at its sequence', () => {
    const { screen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    FakeSocket.last.receive(output(0, 'junk'));
    FakeSocket.last.receive(control({ type: 'reset', seq: 100 }));
    FakeSocket.last.receive(output(100, 'ok'));
    expect(screen()).toBe('ok');
  });

  it('clears once when hello and a reset after it say the same', async () => {
    const { screen, seen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    FakeSocket.last.receive(output(0, 'old'));
    FakeSocket.last.drop();
    await reconnect();
    FakeSocket.last.receive(hello(50, { reset: true }));
    FakeSocket.last.receive(control({ type: 'reset', seq: 50 }));
    expect(seen.clears).toBe(2);
    FakeSocket.last.receive(output(50, 'new'));
    expect(screen()).toBe('new');
    FakeSocket.last.receive(control({ type: 'reset', seq: 53 }));
    expect(seen.clears).toBe(3);
    FakeSocket.last.receive(output(53, 'again'));
    expect(screen()).toBe('again');
  });

  it('treats a hole as an error of the connection, not as output', () => {
    const { screen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    FakeSocket.last.receive(output(5, 'x'));
    expect(FakeSocket.last.closedWith).toBe(CLOSE_BAD_SERVER_FRAME);
    FakeSocket.last.receive(output(0, 'late'));
    expect(screen()).toBe('');
  });
});

describe('acks', () => {
  it('are sent for drawn bytes only, every quarter of the window, as absolute offsets', () => {
    const { draw } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(10_000));
    FakeSocket.last.receive(output(10_000, 'x'.repeat(249)));
    draw();
    expect(acks()).toEqual([]);
    FakeSocket.last.receive(output(10_249, 'x'));
    expect(acks()).toEqual([]);
    draw();
    expect(acks()).toEqual([10_250]);
    FakeSocket.last.receive(output(10_250, 'x'.repeat(600)));
    draw();
    expect(acks()).toEqual([10_250, 10_850]);
  });

  it('do not count what was drawn before the screen was cleared', () => {
    const { draw } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(5_000));
    FakeSocket.last.receive(output(5_000, 'x'.repeat(900)));
    FakeSocket.last.receive(control({ type: 'reset', seq: 0 }));
    FakeSocket.last.receive(output(0, 'y'.repeat(400)));
    draw();
    expect(acks()).toEqual([400]);
  });

  it('never go beyond what this connection has been sent', async () => {
    const { draw } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    FakeSocket.last.receive(output(0, 'x'.repeat(900)));
    FakeSocket.last.drop();
    draw();
    await reconnect();
    FakeSocket.last.receive(hello(100));
    FakeSocket.last.receive(output(100, 'x'.repeat(300)));
    expect(acks()).toEqual([400]);
  });
});

describe('input', () => {
  it('waits for hello, then flows', () => {
    const { connection } = setUp();
    connection.send(encode('ls\n'));
    FakeSocket.last.open();
    expect(typed()).toBe('');
    FakeSocket.last.receive(hello(0));
    expect(typed()).toBe('ls\n');
  });

  it('is sent again from the accepted offset after busy, once the server takes more', () => {
    const { connection } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    connection.send(encode('abcdef'));
    FakeSocket.last.receive(control({ type: 'busy', accepted: 2 }));
    connection.send(encode('gh'));
    expect(typed()).toBe('abcdef');
    expect(frames(3)).toEqual([]);
    FakeSocket.last.receive(control({ type: 'input', accepted: 2 }));
    expect(typed()).toBe('abcdef' + 'cdefgh');
    // The server reads the resume frame before the first byte it belongs to.
    const tags = FakeSocket.last.sent.map((frame) => frame[0]);
    expect(tags).toEqual([0, 3, 0]);
    expect(frames(3)).toEqual([[3, 2, 0, 0, 0, 0, 0, 0, 0]]);
  });

  it('is resumed only after a refusal, and once for each', () => {
    const { connection } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    connection.send(encode('abcd'));
    FakeSocket.last.receive(control({ type: 'input', accepted: 1 }));
    FakeSocket.last.receive(control({ type: 'busy', accepted: 1 }));
    FakeSocket.last.receive(control({ type: 'input', accepted: 1 }));
    FakeSocket.last.receive(control({ type: 'input', accepted: 3 }));
    FakeSocket.last.receive(control({ type: 'busy', accepted: 3 }));
    FakeSocket.last.receive(control({ type: 'input', accepted: 3 }));
    expect(frames(3).map((frame) => frame[1])).toEqual([1, 3]);
    expect(typed()).toBe('abcd' + 'bcd' + 'd');
  });

  it('waits for the server as long as it takes', async () => {
    const { connection } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    connection.send(encode('abc'));
    FakeSocket.last.receive(control({ type: 'busy', accepted: 0 }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(typed()).toBe('abc');
  });

  it('ends the connection when the server resumes elsewhere than it refused', () => {
    const { connection } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    connection.send(encode('abc'));
    FakeSocket.last.receive(control({ type: 'busy', accepted: 1 }));
    FakeSocket.last.receive(control({ type: 'input', accepted: 2 }));
    expect(FakeSocket.last.closedWith).toBe(CLOSE_BAD_SERVER_FRAME);
    expect(typed()).toBe('abc');
  });

  it('never runs a command twice: what was sent before a break is not sent again', async () => {
    const { connection, seen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    connection.send(encode('rm x\n'));
    FakeSocket.last.drop();
    connection.send(encode('ls\n'));
    await reconnect();
    FakeSocket.last.receive(hello(0));
    expect(typed()).toBe('ls\n');
    expect(seen.notices).toHaveLength(1);
  });
});

describe('connection', () => {
  it('tells its size after every hello', async () => {
    const { connection } = setUp();
    connection.resize(120, 40);
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    expect(frames(2)).toEqual([[2, 120, 0, 40, 0]]);
    FakeSocket.last.drop();
    await reconnect();
    FakeSocket.last.receive(hello(0));
    expect(frames(2)).toEqual([[2, 120, 0, 40, 0]]);
  });

  it.each([
    [1000, 'closed'],
    [4404, 'gone'],
    [4401, 'signed_out'],
  ])('is over for good after close %i', async (code, reason) => {
    const { seen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.drop(code);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.made).toHaveLength(1);
    expect(seen.ends).toEqual([reason]);
  });

  it.each([
    [1006, 'reconnecting'],
    [1001, 'restarting'],
    [4408, 'reconnecting'],
    [4503, 'reconnecting'],
  ])('comes back after close %i, showing %s', async (code, status) => {
    const { seen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.drop(code);
    expect(seen.statuses.at(-1)).toBe(status);
    await reconnect();
    expect(seen.statuses.at(-1)).toBe('connected');
  });

  it('tries at once when the network is back', () => {
    setUp();
    FakeSocket.last.open();
    FakeSocket.last.drop();
    window.dispatchEvent(new Event('online'));
    expect(FakeSocket.made).toHaveLength(2);
  });

  it('leaves nothing behind when disposed', async () => {
    const { connection, seen } = setUp();
    FakeSocket.last.open();
    connection.dispose();
    window.dispatchEvent(new Event('online'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.made).toHaveLength(1);
    expect(seen.statuses.at(-1)).toBe('closed');
  });
});

describe('several viewers', () => {
  const size = (cols: number, rows: number): ArrayBuffer => control({ type: 'size', cols, rows });
  const resizes = (): string[] =>
    frames(2).map((f) => {
      const view = new DataView(Uint8Array.from(f).buffer);
      return `${view.getUint16(1, true)}x${view.getUint16(3, true)}`;
    });

  it('follow the size another gave, and not the echo of their own', () => {
    const { connection, seen } = setUp();
    connection.resize(120, 40);
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    connection.resize(121, 40);
    FakeSocket.last.receive(size(120, 40));
    expect(seen.sizes).toEqual([]);
    expect(connection.leads).toBe(true);
    // The other's came between our two.
    FakeSocket.last.receive(size(60, 20));
    expect(connection.leads).toBe(false);
    expect(seen.sizes).toEqual(['60x20']);
    FakeSocket.last.receive(size(121, 40));
    expect(connection.leads).toBe(true);
  });

  it('give their size again after a reconnect only when they gave it last', async () => {
    const { connection, seen } = setUp();
    connection.resize(120, 40);
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    FakeSocket.last.receive(size(120, 40));
    FakeSocket.last.drop();
    await reconnect();
    FakeSocket.last.receive(hello(0));
    expect(resizes()).toEqual(['120x40']);
    FakeSocket.last.receive(size(120, 40));
    FakeSocket.last.receive(size(60, 20));
    FakeSocket.last.drop();
    await reconnect();
    FakeSocket.last.receive(hello(0, { cols: 61, rows: 20 }));
    expect(resizes()).toEqual([]);
    expect(seen.sizes).toEqual(['60x20', '61x20']);
    connection.resize(120, 40);
    expect(resizes()).toEqual(['120x40']);
  });

  it('know which output was printed before they looked', async () => {
    const { seen, screen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0, { end: 6 }));
    FakeSocket.last.receive(output(0, 'old '));
    FakeSocket.last.receive(output(4, 'oldnew'));
    expect(screen()).toBe('old oldnew');
    expect(seen.replayed).toBe('old ol');
    FakeSocket.last.drop();
    await reconnect();
    // Printed while the connection was away: nobody has seen it yet.
    FakeSocket.last.receive(hello(10, { end: 14 }));
    FakeSocket.last.receive(output(10, 'away'));
    expect(seen.replayed).toBe('old ol');
  });

  it('stop when another server has the session', () => {
    const { seen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.drop(4409);
    expect(seen.ends).toEqual(['elsewhere']);
  });
});

describe('input that may not have arrived', () => {
  const type = (heard: boolean): string[] => {
    const { connection, seen } = setUp();
    FakeSocket.last.open();
    FakeSocket.last.receive(hello(0));
    connection.send(new TextEncoder().encode('ls\n'));
    if (heard) FakeSocket.last.receive(output(0, 'ls'));
    vi.advanceTimersByTime(60_000);
    FakeSocket.last.drop();
    return seen.notices;
  };

  it('is told of however long ago it was, if nothing was heard since', () =>
    expect(type(false)).toEqual(['What you typed last may not have arrived.']));

  it('is not what was followed by output long before the connection broke', () =>
    expect(type(true)).toEqual([]));
});
