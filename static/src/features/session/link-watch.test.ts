// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeSocket } from '@/test/fake-socket';
import { ReconnectingSocket, abandonConnections } from '@/lib/reconnecting-socket';
import type { SessionEvent } from './events';
import { LinkWatch, QUIET_MS, SILENT_MS } from './link-watch';

const USAGE = { type: 'usage' } as SessionEvent;
const COLD = { type: 'state', state: 'cold' } as SessionEvent;

let watch: LinkWatch;
const ask = vi.fn<() => Promise<boolean>>();
const onDead = vi.fn();
let visible: DocumentVisibilityState;

beforeEach(() => {
  vi.useFakeTimers();
  visible = 'visible';
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visible);
  ask.mockReset().mockResolvedValue(true);
  onDead.mockReset();
  watch = new LinkWatch(ask, onDead);
  watch.status('connected');
});

afterEach(() => {
  watch.dispose();
  vi.useRealTimers();
});

describe('a link', () => {
  it('that goes on talking is asked nothing', async () => {
    for (let count = 0; count < 30; count += 1) {
      watch.heard(USAGE);
      await vi.advanceTimersByTimeAsync(2_000);
    }
    expect(ask).not.toHaveBeenCalled();
  });

  it('that falls silent is dead, though the server answers over another', async () => {
    watch.heard(USAGE);
    await vi.advanceTimersByTimeAsync(SILENT_MS - 1);
    expect(ask).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(onDead).toHaveBeenCalledTimes(1);
  });

  it('that speaks up while the server is asked is alive', async () => {
    ask.mockImplementation(() => {
      watch.heard(USAGE);
      return Promise.resolve(true);
    });
    watch.heard(USAGE);
    await vi.advanceTimersByTimeAsync(SILENT_MS);
    expect(onDead).not.toHaveBeenCalled();
  });

  it('of a session that does not run is asked after, and dead when nobody answers truly', async () => {
    watch.heard(USAGE);
    watch.heard(COLD);
    await vi.advanceTimersByTimeAsync(3 * QUIET_MS);
    expect(ask.mock.calls.length).toBeGreaterThan(1);
    expect(onDead).not.toHaveBeenCalled();
    ask.mockRejectedValue(new Error('no answer'));
    await vi.advanceTimersByTimeAsync(QUIET_MS + SILENT_MS);
    expect(onDead).toHaveBeenCalledTimes(1);
  });

  it('is looked at when the page is seen again, or the network is another', async () => {
    visible = 'hidden';
    watch.heard(COLD);
    await vi.advanceTimersByTimeAsync(10 * QUIET_MS);
    expect(ask).not.toHaveBeenCalled();
    visible = 'visible';
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(0);
    expect(ask).toHaveBeenCalledTimes(1);
    window.dispatchEvent(new Event('online'));
    expect(ask).toHaveBeenCalledTimes(2);
  });
});

it('all connections of the page are made anew at once', async () => {
  FakeSocket.install();
  const onClose = vi.fn(() => false);
  const open = () =>
    new ReconnectingSocket({
      url: () => 'ws://host/',
      protocol: 'p',
      onOpen: () => undefined,
      onMessage: () => undefined,
      onStatus: () => undefined,
      onClose,
    });
  const connections = [open(), open()];
  for (const socket of [...FakeSocket.made]) socket.open();
  abandonConnections();
  expect(onClose).toHaveBeenCalledTimes(2);
  expect(connections.map(({ status }) => status)).toEqual(['reconnecting', 'reconnecting']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(FakeSocket.made).toHaveLength(4);
  for (const connection of connections) connection.dispose();
});
