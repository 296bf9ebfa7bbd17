import { describe, expect, it } from 'vitest';
import { parseEvent } from './events';

const USAGE = {
  cpu_percent: 12.5,
  cpus: 1,
  memory_bytes: 10,
  memory_limit_bytes: 100,
  disk_bytes: 1,
  disk_limit_bytes: 50,
  processes: 3,
  processes_limit: 256,
};

describe('parseEvent', () => {
  it.each<[unknown, unknown]>([
    [
      { type: 'state', state: 'cold', reason: 'idle' },
      { type: 'state', state: 'cold', reason: 'idle' },
    ],
    [{ type: 'tree', refetch: true }, { type: 'tree_refetch' }],
    [
      { type: 'tree', changes: [{ path: 'a', item: null }, { path: 5 }] },
      { type: 'tree', changes: [{ path: 'a', item: null }] },
    ],
    [
      { type: 'progress', stage: 'image', text: 'x', done: 1, total: 4 },
      { type: 'progress', progress: { stage: 'image', text: 'x', done: 1, total: 4 } },
    ],
    [
      { type: 'terminals', items: [{ id: 't' }, 3] },
      { type: 'terminals', items: [{ id: 't' }] },
    ],
    [
      { type: 'notice', level: 'warning', text: 'soon' },
      { type: 'notice', level: 'warning', text: 'soon' },
    ],
    [
      { type: 'ending', at: '2026-01-01T00:05:00Z', why: 'idle' },
      { type: 'ending', at: '2026-01-01T00:05:00Z', why: 'idle' },
    ],
    [
      { type: 'ending', at: '2026-01-01T00:05:00Z', why: 'whim' },
      { type: 'ending', at: '2026-01-01T00:05:00Z', why: null },
    ],
    [
      { type: 'ending', at: null, why: 'idle' },
      { type: 'ending', at: null, why: null },
    ],
    [{ type: 'ending', at: 'soon', why: 'idle' }, null],
    [
      { type: 'usage', ...USAGE, extra: 1 },
      { type: 'usage', usage: USAGE },
    ],
    [{ type: 'usage', ...USAGE, disk_bytes: '5' }, null],
    [{ type: 'usage', ...USAGE, cpu_percent: -1 }, null],
    [{ type: 'state', state: 'dancing' }, null],
    [{ type: 'progress', stage: 'lunch' }, null],
    [{ type: 'from_the_future' }, null],
    [[], null],
  ])('reads %j', (frame, expected) => expect(parseEvent(JSON.stringify(frame))).toEqual(expected));

  it('ignores what is not JSON', () => expect(parseEvent('{')).toBeNull());
});
