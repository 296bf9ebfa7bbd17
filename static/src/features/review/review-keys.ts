/** Keys of a review's page, outside of text. */
import { hasMod } from '@/lib/platform';

export type ReviewCommand =
  | 'next_file'
  | 'previous_file'
  | 'next_comment'
  | 'previous_comment'
  | 'toggle_viewed'
  | 'comment'
  | 'toggle_beside'
  | 'publish'
  | 'help';

const BY_KEY: Readonly<Record<string, ReviewCommand>> = {
  ']': 'next_file',
  '[': 'previous_file',
  n: 'next_comment',
  p: 'previous_comment',
  v: 'toggle_viewed',
  c: 'comment',
  s: 'toggle_beside',
  P: 'publish',
  '?': 'help',
};

type Pressed = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'getModifierState'>;

/** What a key means; nothing while one types, or while a shortcut of the browser is held. AltGr is how some type a bracket. */
export function reviewCommand(event: Pressed, typing: boolean): ReviewCommand | null {
  if (typing) return null;
  const graph = event.getModifierState('AltGraph');
  if (!graph && (event.ctrlKey || event.metaKey || event.altKey)) return null;
  return Object.hasOwn(BY_KEY, event.key) ? (BY_KEY[event.key] ?? null) : null;
}

/** Whether a key is meant for a text one types, rather than for the page. The compared texts are there to be read. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('[data-testid="terminal"]')) return true;
  if (target.closest('[data-review-text]') && !target.closest('[data-thread-zone]')) return false;
  return (
    target.isContentEditable ||
    target.matches('input:not([type="checkbox"], [type="radio"]), textarea, select, [role="textbox"]')
  );
}

/** What Enter does to what is being written: its first button, or its second. */
export function sendCommand(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey'>,
): 'first' | 'second' | null {
  if (event.key !== 'Enter' || !hasMod(event)) return null;
  return event.shiftKey ? 'second' : 'first';
}

export const REVIEW_SHORTCUTS: readonly (readonly [
  group: string,
  rows: readonly (readonly [string, string])[],
])[] = [
  [
    'Reading',
    [
      [']', 'Next file'],
      ['[', 'Previous file'],
      ['V', 'Mark the file as viewed, or not'],
      ['S', 'Side by side, or in one'],
      ['N', 'Next comment'],
      ['P', 'Previous comment'],
    ],
  ],
  [
    'Saying',
    [
      ['C', 'Comment on the line, or the lines selected'],
      ['Mod+Enter', 'The first button below what you write'],
      ['Mod+Shift+Enter', 'The second'],
      ['Shift+P', 'Publish what you have written, or decide'],
      ['?', 'This help (outside of text)'],
    ],
  ],
];
