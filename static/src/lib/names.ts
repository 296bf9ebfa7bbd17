/** Several files in a sentence. */
import { baseName, displayName } from './paths';

/** More would make a sentence nobody reads. */
const MOST_NAMES = 3;

/** `“a.py”`, `“a.py” and “b.py”`, `“a.py”, “b.py”, “c.py” and 2 more`. */
export function namesOf(paths: readonly string[]): string {
  const words = paths.slice(0, MOST_NAMES).map((path) => `“${displayName(baseName(path))}”`);
  if (paths.length > MOST_NAMES) words.push(`${paths.length - MOST_NAMES} more`);
  const last = words.pop() ?? '';
  return words.length > 0 ? `${words.join(', ')} and ${last}` : last;
}

/** Said when something is not done because it would be done without text that is only here. */
export function notSaved(paths: readonly string[]): string {
  const one = paths.length === 1;
  const it = one ? 'it' : 'them';
  return `${namesOf(paths)} ${one ? 'is' : 'are'} not saved. Save ${it}, or close ${it}, first.`;
}

/** Said when another version was written in the same moment, and is kept at `path`. */
export function keptBoth(path: string): string {
  return `Both versions were kept; the other is ${namesOf([path])}.`;
}
