/** The keyboard of this machine: where ⌘ does what Ctrl does elsewhere. */

export function isApple(): boolean {
  return typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);
}

interface Modifiers {
  ctrlKey: boolean;
  metaKey: boolean;
}

/** Whether the platform's main modifier, and only it, is held. */
export function hasMod(event: Modifiers): boolean {
  return isApple() ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
}
