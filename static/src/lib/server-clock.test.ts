import { describe, expect, it, vi } from 'vitest';
import { noteServerTime, serverNow } from './server-clock';

const NOW = Date.UTC(2026, 0, 1, 12);

describe('the server clock', () => {
  it('follows a clock that differs, not the noise around it', () => {
    vi.spyOn(Date, 'now').mockReturnValue(NOW);
    noteServerTime(new Date(NOW + 1_000).toUTCString());
    expect(serverNow()).toBe(NOW);
    noteServerTime(new Date(NOW + 90_000).toUTCString());
    expect(serverNow()).toBe(NOW + 90_000);
    noteServerTime(new Date(NOW + 91_000).toUTCString());
    expect(serverNow()).toBe(NOW + 90_000);
    noteServerTime(null);
    noteServerTime('yesterday');
    expect(serverNow()).toBe(NOW + 90_000);
    noteServerTime(new Date(NOW).toUTCString());
    expect(serverNow()).toBe(NOW);
  });
});
