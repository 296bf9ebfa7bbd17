/** Keys that belong to the page wherever the focus is, the terminal included. */

export type PageCommand =
  'save' | 'run' | 'toggle_terminal' | 'new_terminal' | 'close_tab' | 'next_tab' | 'previous_tab' | 'help';

function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}

/** What a key means to the page; `inTerminal` leaves programs the keys they know. */
export function pageCommand(event: KeyboardEvent, inTerminal: boolean, typing: boolean): PageCommand | null {
  const mod = isApple() ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  if (event.ctrlKey && event.code === 'Backquote') return event.shiftKey ? 'new_terminal' : 'toggle_terminal';
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    if (event.code === 'PageDown') return 'next_tab';
    if (event.code === 'PageUp') return 'previous_tab';
    if (event.code === 'KeyW') return inTerminal ? null : 'close_tab';
    return null;
  }
  if (mod && !event.shiftKey && !inTerminal) {
    if (event.code === 'KeyS') return 'save';
    if (event.code === 'Enter') return 'run';
  }
  // ⌘ never reaches a program, so the terminal may have these too.
  if (isApple() && mod && inTerminal && event.code === 'KeyS') return 'save';
  if (event.key === '?' && !typing && !inTerminal && !mod) return 'help';
  return null;
}

/** Whether the terminal must leave this key to the page. */
export function isPageKey(event: KeyboardEvent): boolean {
  return pageCommand(event, true, true) !== null;
}

export const SHORTCUTS: readonly { group: string; rows: readonly { keys: string; text: string }[] }[] = [
  {
    group: 'Everywhere',
    rows: [
      { keys: 'Ctrl+`', text: 'Between editor and terminal' },
      { keys: 'Ctrl+Shift+`', text: 'New terminal' },
      { keys: 'Alt+PageDown', text: 'Next file' },
      { keys: 'Alt+PageUp', text: 'Previous file' },
      { keys: '?', text: 'This help (outside of text)' },
    ],
  },
  {
    group: 'Editor',
    rows: [
      { keys: 'Mod+S', text: 'Save now' },
      { keys: 'Mod+Enter', text: 'Save all and run the file' },
      { keys: 'Alt+W', text: 'Close the file' },
      { keys: 'Mod+F', text: 'Find' },
      { keys: 'F1', text: 'All commands of the editor' },
      { keys: 'Ctrl+M', text: 'Tab key moves the focus' },
    ],
  },
  {
    group: 'Files',
    rows: [
      { keys: 'Enter', text: 'Open' },
      { keys: 'F2', text: 'Rename' },
      { keys: 'Delete', text: 'Delete' },
      { keys: 'N', text: 'New file' },
      { keys: 'Shift+N', text: 'New folder' },
    ],
  },
  {
    group: 'Terminal',
    rows: [
      { keys: 'Ctrl+Shift+C', text: 'Copy' },
      { keys: 'Ctrl+Shift+V', text: 'Paste' },
      { keys: 'Shift+PageUp', text: 'Scroll back' },
    ],
  },
];
