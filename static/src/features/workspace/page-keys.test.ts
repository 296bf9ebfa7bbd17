import { describe, expect, it } from 'vitest';
import { isPageKey, pageCommand } from './page-keys';

function press(keys: string): KeyboardEvent {
  const parts = keys.split('+');
  const code = parts.pop() ?? '';
  const held = (name: string): boolean => parts.includes(name);
  return {
    code,
    key: code === 'Slash' ? '?' : code,
    ctrlKey: held('Ctrl'),
    shiftKey: held('Shift'),
    altKey: held('Alt'),
    metaKey: held('Meta'),
  } as KeyboardEvent;
}

describe('keys of the page', () => {
  it.each([
    ['Ctrl+Backquote', 'toggle_terminal'],
    ['Ctrl+Shift+Backquote', 'new_terminal'],
    ['Ctrl+Shift+Digit5', 'split_terminal'],
    ['Ctrl+Shift+ArrowRight', 'next_pane'],
    ['Ctrl+Shift+ArrowUp', 'previous_pane'],
    ['Ctrl+F6', 'next_region'],
    ['Ctrl+Shift+F6', 'previous_region'],
    ['Ctrl+Shift+KeyY', 'activity'],
    ['Ctrl+Shift+KeyE', 'extend'],
    ['Alt+PageDown', 'next_tab'],
  ])('%s in a terminal is %s', (keys, command) => expect(pageCommand(press(keys), true, true)).toBe(command));

  it.each(['Ctrl+KeyC', 'Ctrl+KeyS', 'Alt+KeyW', 'Escape', 'F2', 'F6', 'Ctrl+ArrowRight', 'Alt+ArrowLeft'])(
    '%s belongs to the program in the terminal',
    (keys) => expect(isPageKey(press(keys))).toBe(false),
  );

  it('shows the history by a key wherever that is no program’s', () => {
    expect(pageCommand(press('Alt+KeyH'), false, true)).toBe('history');
    expect(pageCommand(press('Alt+KeyH'), true, true)).toBeNull();
  });

  it('leaves selecting words to the editor', () =>
    expect(pageCommand(press('Ctrl+Shift+ArrowRight'), false, true)).toBeNull());

  it('takes a question mark only where nothing is typed', () => {
    expect(pageCommand(press('Shift+Slash'), false, false)).toBe('help');
    expect(pageCommand(press('Shift+Slash'), false, true)).toBeNull();
  });
});
