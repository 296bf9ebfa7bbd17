import { describe, expect, it } from 'vitest';
import { FIRST_DELAY_MS, LONGEST_DELAY_MS, backoffDelay } from './backoff';

describe('backoffDelay', () => {
  it('doubles from the first delay and stays within half a step below', () => {
    expect(backoffDelay(0, () => 1)).toBe(FIRST_DELAY_MS);
    expect(backoffDelay(0, () => 0)).toBe(FIRST_DELAY_MS / 2);
    expect(backoffDelay(3, () => 1)).toBe(FIRST_DELAY_MS * 8);
  });

  it('never waits longer than the longest delay', () => {
    for (const attempt of [6, 20, 10_000]) expect(backoffDelay(attempt, () => 1)).toBe(LONGEST_DELAY_MS);
  });
});
