import { describe, expect, it } from 'vitest';
import { REVIEW_SHORTCUTS, isTyping, reviewCommand, sendCommand } from './review-keys';

function press(key: string, more: KeyboardEventInit = {}): KeyboardEvent {
  return new KeyboardEvent('keydown', { key, ...more });
}

describe('keys of a review', () => {
  it.each([
    [']', 'next_file'],
    ['[', 'previous_file'],
    ['n', 'next_comment'],
    ['p', 'previous_comment'],
    ['v', 'toggle_viewed'],
    ['c', 'comment'],
    ['s', 'toggle_beside'],
    ['?', 'help'],
  ])('%s: %s', (key, command) => {
    expect(reviewCommand(press(key), false)).toBe(command);
    expect(reviewCommand(press(key), true)).toBeNull();
    expect(reviewCommand(press(key, { ctrlKey: true }), false)).toBeNull();
    expect(reviewCommand(press(key, { altKey: true }), false)).toBeNull();
  });

  it('tells P from p, and takes a bracket that needs AltGr', () => {
    expect(reviewCommand(press('P', { shiftKey: true }), false)).toBe('publish');
    expect(reviewCommand(press(']', { ctrlKey: true, altKey: true, modifierAltGraph: true }), false)).toBe(
      'next_file',
    );
    expect(reviewCommand(press('toString'), false)).toBeNull();
  });

  it('sends with Enter only when it is meant', () => {
    expect(sendCommand(press('Enter'))).toBeNull();
    expect(sendCommand(press('Enter', { ctrlKey: true }))).toBe('first');
    expect(sendCommand(press('Enter', { ctrlKey: true, shiftKey: true }))).toBe('second');
    expect(sendCommand(press('x', { ctrlKey: true }))).toBeNull();
  });

  it('knows where one types', () => {
    document.body.innerHTML = `
      <textarea id="box"></textarea><input id="field" type="search"><input id="check" type="checkbox"><button id="button"></button>
      <div data-testid="terminal"><textarea id="shell"></textarea></div>
      <div data-review-text><textarea id="code"></textarea><div data-thread-zone><textarea id="answer"></textarea></div></div>`;
    const typing = ['box', 'field', 'check', 'button', 'shell', 'code', 'answer'].filter((id) =>
      isTyping(document.getElementById(id)),
    );
    expect(typing).toEqual(['box', 'field', 'shell', 'answer']);
  });

  it('tells all of them on its sheet', () => {
    const told = REVIEW_SHORTCUTS.flatMap(([, rows]) => rows.map(([keys]) => keys));
    expect(told).toEqual([']', '[', 'V', 'S', 'N', 'P', 'C', 'Mod+Enter', 'Mod+Shift+Enter', 'Shift+P', '?']);
  });
});
