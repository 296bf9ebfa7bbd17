/** Workspace paths: relative, `/`-separated, as the server stores them. */

/** Folder of a path; the root is the empty string. */
export function parentOf(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut < 0 ? '' : path.slice(0, cut);
}

/** Last component of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** Whether `path` is one of the folders or lies below one. */
export function isWithinAny(path: string, folders: ReadonlySet<string>): boolean {
  for (let at = path; ; at = parentOf(at)) {
    if (folders.has(at)) return true;
    if (at === '') return false;
  }
}

/** Where `path` is after `from` was renamed to `to`; `path` itself if it was not affected. */
export function movedPath(path: string, from: string, to: string): string {
  return isWithin(path, from) ? to + path.slice(from.length) : path;
}

/** For a URL: every component percent-encoded, the slashes kept. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** Extension in lower case without the dot; empty if there is none. */
export function extensionOf(path: string): string {
  const name = baseName(path);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot + 1).toLowerCase();
}

/** Why a name typed by the user cannot be a file name; `null` if it can. The server has the last word. */
export function nameProblem(name: string): string | null {
  if (name === '') return 'Type a name.';
  if (name === '.' || name === '..') return 'This name is reserved.';
  if (name.includes('/') || name.includes('\\')) return 'A name cannot contain a slash.';
  if ([...name].some((c) => c < ' ' || c === '\u007f')) return 'A name cannot contain control characters.';
  if (new TextEncoder().encode(name).length > 255) return 'A name is at most 255 bytes long.';
  return null;
}

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** One shell word that means exactly `text`; what a terminal would act on is written as escapes. */
export function shellQuote(text: string): string {
  if (CONTROL.test(text)) return `$'${[...text].map(escaped).join('')}'`;
  return /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function escaped(character: string): string {
  if (character === "'" || character === '\\') return `\\${character}`;
  if (!CONTROL.test(character)) return character;
  const bytes = [...new TextEncoder().encode(character)];
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

const NATURAL = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Names as people expect them: `file2` before `file10`, case ignored, ties by code point. */
export function compareNames(a: string, b: string): number {
  return NATURAL.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** A name safe to draw: control and direction-changing characters shown as `�`. */
export function displayName(name: string): string {
  return name.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, '\ufffd');
}
