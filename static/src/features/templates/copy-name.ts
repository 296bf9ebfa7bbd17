/** What a duplicate is called unless the user says otherwise. */

/** As many characters as the server takes. */
export const LONGEST_NAME = 80;

export function copyName(name: string): string {
  const ending = ' copy';
  return [...name].slice(0, LONGEST_NAME - ending.length).join('') + ending;
}
