import { describe, expect, it } from 'vitest';
import { formatAge, formatCountdown } from './format';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

describe('formatCountdown', () => {
  it.each([
    [5 * MINUTE, '5:00'],
    [4 * MINUTE + 5 * SECOND - 1, '4:05'],
    [SECOND, '0:01'],
    [0, '0:00'],
    [-HOUR, '0:00'],
    [HOUR + 2 * MINUTE + 9 * SECOND, '1:02:09'],
  ])('%s ms is %s', (ms, words) => expect(formatCountdown(ms)).toBe(words));
});

describe('formatAge', () => {
  it.each([
    [0, '0 s'],
    [59 * SECOND, '59 s'],
    [3 * MINUTE + 30 * SECOND, '3 min'],
    [2 * HOUR, '2 h'],
    [2 * HOUR + 5 * MINUTE, '2 h 5 min'],
    [97 * HOUR, '4 d 1 h'],
  ])('%s ms is %s', (ms, words) => expect(formatAge(ms)).toBe(words));
});
