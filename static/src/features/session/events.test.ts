import { describe, expect, it } from 'vitest';
import { parseEvent } from './events';

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
    [{ type: 'state', state: 'dancing' }, null],
    [{ type: 'progress', stage: 'lunch' }, null],
    [{ type: 'from_the_future' }, null],
    [[], null],
  ])('reads %j', (frame, expected) => expect(parseEvent(JSON.stringify(frame))).toEqual(expected));

  it('ignores what is not JSON', () => expect(parseEvent('{')).toBeNull());
});
