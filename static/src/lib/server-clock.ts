/**
 * The server's clock as far as this browser knows it.
 *
 * Announced times are the server's; a browser whose own clock is wrong would count down to the wrong moment. Every
 * answer's `Date` says what time it is there, to the second; small differences are left alone, as they are noise.
 */

/** Differences up to this are the header's rounding and the way here. */
export const CLOCK_TOLERANCE_MS = 2_000;

let offset = 0;

/** Notes the `Date` of an answer that has just arrived. */
export function noteServerTime(header: string | null, localNow: number = Date.now()): void {
  const there = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(there)) return;
  const difference = there - localNow;
  if (Math.abs(difference - offset) > CLOCK_TOLERANCE_MS) {
    offset = Math.abs(difference) > CLOCK_TOLERANCE_MS ? difference : 0;
  }
}

/** Milliseconds since 1970 on the server's clock. */
export function serverNow(): number {
  return Date.now() + offset;
}
