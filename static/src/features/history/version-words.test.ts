import { describe, expect, it } from 'vitest';
import type { Version } from '@/api/types';
import { byDay, changeWords, fromField, toField } from './version-words';

function version(at: Date, change: Partial<Version> = {}): Version {
  return {
    id: 1,
    path: 'a.py',
    change: 'modified',
    kind: 'file',
    size: 1,
    executable: false,
    origin: 'editor',
    at: at.toISOString(),
    ...change,
  };
}

describe('versions in words', () => {
  it.each([
    [{}, 'Changed in the editor'],
    [{ change: 'created', origin: 'terminal' }, 'Made by a program'],
    [{ change: 'removed', origin: 'restore' }, 'Deleted by going back'],
    [{ change: 'moved_here', other_path: 'b\u202e.py' }, 'Came from “b\ufffd.py”'],
  ] as const)('says of %j: %s', (change, words) => {
    expect(changeWords(version(new Date(), change))).toBe(words);
  });

  it('are grouped by the days of this browser', () => {
    const now = new Date(2026, 2, 10, 12);
    const days = byDay(
      [
        new Date(2026, 2, 10, 9),
        new Date(2026, 2, 10, 0),
        new Date(2026, 2, 9, 23),
        new Date(2026, 1, 1),
      ].map((at) => version(at)),
      now,
    );
    expect(days.map(({ label, versions }) => [label, versions.length])).toEqual([
      ['Today', 2],
      ['Yesterday', 1],
      ['Sunday, February 1, 2026', 1],
    ]);
  });

  it('give a date-time field its time and take it back to the second', () => {
    const time = '2026-03-10T09:30:05.250Z';
    expect(fromField(toField(time))).toBe('2026-03-10T09:30:05.000Z');
    expect(fromField('')).toBeNull();
    expect(toField('never')).toBe('');
  });
});
