/** Names of terminals, as the server takes them. */

/** Longest name, in characters. */
export const LONGEST_NAME = 64;

/** Why a trimmed name cannot be one; `null` if it can. The server has the last word. */
export function terminalNameProblem(name: string): string | null {
  if (name === '') return 'Type a name.';
  if ([...name].length > LONGEST_NAME) return `A name is at most ${LONGEST_NAME} characters long.`;
  if (/\p{Cc}/u.test(name)) return 'A name cannot contain control characters.';
  return null;
}
