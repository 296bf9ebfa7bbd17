/** How long to wait before the next attempt: doubling, bounded, and jittered so that clients spread out. */

/** First delay: a restarting server is usually back within a second, so begin quickly. */
export const FIRST_DELAY_MS = 100;

/** Longest delay: a user watching the page should never wait longer than this for a server that is back. */
export const LONGEST_DELAY_MS = 5_000;

/** Delay before attempt number `attempt` (from 0); between half of the step and the whole of it. */
export function backoffDelay(attempt: number, random: () => number = Math.random): number {
  const step = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16));
  return Math.round(step / 2 + (step / 2) * random());
}
