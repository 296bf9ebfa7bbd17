/** How long sending may take: a connection that is lost without a word must not hold what is to be saved for ever. */
import { unreachable } from './problem';

/** For the way there and back, as for a reading. */
const ANSWER_MS = 60_000;

/** The slowest line that is waited for: 32 KB a second. */
const SLOWEST_BYTES_PER_MS = 32;

/** Ends a request that sends so many bytes when no line would take that long. */
export function sendLimit(bytes: number): AbortSignal {
  return AbortSignal.timeout(ANSWER_MS + Math.ceil(bytes / SLOWEST_BYTES_PER_MS));
}

/** What an answer says; one that breaks off is none. */
export async function wholeAnswer<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw unreachable();
  }
}
