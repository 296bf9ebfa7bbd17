/** Keys that belong to the page wherever the focus is, the terminal included. */
import { hasMod, isApple } from '@/lib/platform';

export type PageCommand =
  | 'save'
  | 'run'
  | 'toggle_terminal'
  | 'new_terminal'
  | 'split_terminal'
  | 'next_pane'
  | 'previous_pane'
  | 'close_tab'
  | 'next_tab'
  | 'previous_tab'
  | 'next_region'
  | 'previous_region'
  | 'find_in_files'
  | 'activity'
  | 'history'
  | 'extend'
  | 'help';

/** With Ctrl and Shift, wherever the focus is: programs in a terminal cannot tell these from plain Ctrl. */
const CTRL_SHIFT: Readonly<Record<string, PageCommand>> = {
  Backquote: 'new_terminal',
  Digit5: 'split_terminal',
  ArrowRight: 'next_pane',
  ArrowDown: 'next_pane',
  ArrowLeft: 'previous_pane',
  ArrowUp: 'previous_pane',
  F6: 'previous_region',
  KeyF: 'find_in_files',
  KeyY: 'activity',
  KeyE: 'extend',
};

/** What a key means to the page; `inTerminal` leaves programs the keys they know. */
export function pageCommand(event: KeyboardEvent, inTerminal: boolean, typing: boolean): PageCommand | null {
  const { code, ctrlKey, altKey, metaKey, shiftKey } = event;
  const mod = hasMod(event);
  if (ctrlKey && shiftKey && !altKey && !metaKey) {
    const command = CTRL_SHIFT[code] ?? null;
    // Between panes only where there are any: text is selected with these keys elsewhere.
    return isPaneStep(command) && !inTerminal ? null : command;
  }
  if (ctrlKey && code === 'Backquote') return 'toggle_terminal';
  if (ctrlKey && code === 'F6') return 'next_region';
  if (altKey && !ctrlKey && !metaKey) {
    if (code === 'PageDown') return 'next_tab';
    if (code === 'PageUp') return 'previous_tab';
    if (code === 'KeyW') return inTerminal ? null : 'close_tab';
    if (code === 'KeyH') return inTerminal ? null : 'history';
    return null;
  }
  if (mod && !shiftKey && !inTerminal) {
    if (code === 'KeyS') return 'save';
    if (code === 'Enter') return 'run';
  }
  // ⌘ never reaches a program, so the terminal may have these too.
  if (isApple() && mod && inTerminal && code === 'KeyS') return 'save';
  if (event.key === '?' && !typing && !inTerminal && !mod) return 'help';
  return null;
}

function isPaneStep(command: PageCommand | null): boolean {
  return command === 'next_pane' || command === 'previous_pane';
}

/** Whether the terminal must leave this key to the page. */
export function isPageKey(event: KeyboardEvent): boolean {
  return pageCommand(event, true, true) !== null;
}

type Row = readonly [keys: string, text: string];

export const SHORTCUTS: readonly (readonly [group: string, rows: readonly Row[]])[] = [
  [
    'Everywhere',
    [
      ['Ctrl+`', 'Between editor and terminal'],
      ['Ctrl+F6', 'Next part of the page'],
      ['Alt+PageDown', 'Next file, or terminal'],
      ['Alt+PageUp', 'Previous file, or terminal'],
      ['Ctrl+Shift+F', 'Find in files'],
      ['Ctrl+Shift+Y', 'Programs and what they use'],
      ['Ctrl+Shift+E', 'Keep a session that is about to stop'],
      ['?', 'This help (outside of text)'],
    ],
  ],
  [
    'Editor',
    [
      ['Mod+S', 'Save now'],
      ['Mod+Enter', 'Save all and run the file'],
      ['Alt+W', 'Close the file'],
      ['Alt+H', 'History of the file, or of all files'],
      ['Mod+F', 'Find'],
      ['F1', 'All commands of the editor'],
      ['Ctrl+M', 'Tab key moves the focus'],
    ],
  ],
  [
    'Terminal',
    [
      ['Ctrl+Shift+`', 'New terminal'],
      ['Ctrl+Shift+5', 'Split: one more beside this one'],
      ['Ctrl+Shift+→', 'Next part of a split'],
      ['Ctrl+Shift+←', 'Previous part of a split'],
      ['Ctrl+Shift+C', 'Copy'],
      ['Ctrl+Shift+V', 'Paste'],
      ['Shift+PageUp', 'Scroll back'],
    ],
  ],
  [
    'Files and tabs',
    [
      ['Enter', 'Open'],
      ['F2', 'Rename'],
      ['Delete', 'Delete, or close a tab'],
      ['N', 'New file'],
      ['Shift+N', 'New folder'],
      ['Shift+↓', 'Select one more'],
      ['Mod+A', 'Select all'],
      ['Mod+X', 'Cut; Mod+C copies, Mod+V pastes'],
      ['Mod+D', 'Duplicate'],
    ],
  ],
];
