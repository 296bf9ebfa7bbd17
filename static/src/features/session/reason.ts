/** Why a session stands where it stands, as a sentence of its own. */
import type { SessionState } from '@/api/types';
import { displayName } from '@/lib/paths';

/** `stopped after 30 min without use` → `Stopped after 30 min without use`; empty when nobody said why. */
export function reasonWords(reason: string | null | undefined): string {
  const words = displayName(reason ?? '').trim();
  return words === '' ? '' : words.charAt(0).toUpperCase() + words.slice(1);
}

/** The same beside the word for the state, which need not be said twice: `after 30 min without use`. */
export function reasonBeside(state: SessionState, reason: string | null | undefined): string {
  const words = reasonWords(reason);
  return state === 'cold' ? words.replace(/^Stopped\s+/, '') : words;
}

/** The headline of a session that does not run. */
export function stoppedWords(state: SessionState, reason: string | null | undefined): string {
  const words = reasonWords(reason);
  if (words === '') return state === 'failed' ? 'The session failed' : 'Stopped';
  // Most reasons say themselves that it was a stop.
  return /^(stopped|out of memory|the server)\b/i.test(words)
    ? words
    : `Stopped: ${words.charAt(0).toLowerCase()}${words.slice(1)}`;
}

/** What the user can do about a reason; `null` when there is nothing to say. */
export function adviceFor(reason: string | null | undefined): string | null {
  if (/out of memory/i.test(reason ?? ''))
    return 'A program needed more memory than this session has. Working on less data at a time helps.';
  if (/without use/i.test(reason ?? '')) return 'Nothing in it was busy, and nobody typed anything.';
  return null;
}
