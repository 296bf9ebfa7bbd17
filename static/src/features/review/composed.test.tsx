import { describe, expect, it } from 'vitest';
import {
  ComposedTexts,
  MOST_CHARS,
  MOST_ENTRIES,
  MOST_REVIEWS,
  forgetComposed,
  hasComposed,
  keyOf,
  type Target,
} from './composed';

const line = (start: number): Target => ({
  kind: 'new',
  place: { round: 1, side: 'new', path: 'a.py', lines: { start, end: start } },
});
const REPLY: Target = { kind: 'reply', thread: 't1' };

describe('text that is being written', () => {
  it('is there again after a reload, with all that belongs to it', () => {
    const texts = new ComposedTexts('ada', 'r1');
    texts.open(line(3), { edit: 'x = 1' });
    texts.change(line(3), { text: 'Why?', about: 'issue' });
    texts.open(REPLY, { text: 'Since' });
    const again = new ComposedTexts('ada', 'r1').entries.get();
    expect(again.get(keyOf(line(3)))).toMatchObject({
      text: 'Why?',
      about: 'issue',
      edit: 'x = 1',
      target: line(3),
    });
    expect(again.get(keyOf(REPLY))).toMatchObject({ text: 'Since' });
  });

  it('is not overwritten by beginning anew', () => {
    const texts = new ComposedTexts('ada', 'r1');
    texts.open(REPLY, { text: 'much work' });
    texts.open(REPLY);
    expect(texts.entries.get().get(keyOf(REPLY))?.text).toBe('much work');
  });

  it('is of one user and one review', () => {
    new ComposedTexts('ada', 'r1').open(REPLY, { text: 'mine' });
    expect(new ComposedTexts('bob', 'r1').entries.get().size).toBe(0);
    expect(new ComposedTexts('ada', 'r2').entries.get().size).toBe(0);
  });

  it('goes when it is sent, and leaves nothing', () => {
    const texts = new ComposedTexts('ada', 'r1');
    texts.open(REPLY, { text: 'said' });
    texts.close(REPLY);
    expect(hasComposed('ada')).toBe(false);
    texts.change(REPLY, { text: 'late' });
    expect(texts.entries.get().size).toBe(0);
  });

  it('goes with the login', () => {
    new ComposedTexts('ada', 'r1').open(REPLY, { text: 'mine' });
    new ComposedTexts('bob', 'r1').open(REPLY, { text: 'his' });
    forgetComposed('ada');
    expect([hasComposed('ada'), hasComposed('bob')]).toEqual([false, true]);
  });

  it('is bounded: the oldest goes first', () => {
    const texts = new ComposedTexts('ada', 'r1');
    for (let at = 0; at <= MOST_ENTRIES; at += 1) texts.open(line(at + 1), { text: `${at}` });
    expect(texts.entries.get().size).toBe(MOST_ENTRIES);
    texts.open(REPLY, { text: 'x'.repeat(MOST_CHARS) });
    expect([...texts.entries.get().keys()]).toEqual([keyOf(REPLY)]);
  });

  it('is bounded over reviews', () => {
    for (let at = 0; at < MOST_REVIEWS + 5; at += 1) {
      new ComposedTexts('ada', `r${at}`).open(REPLY, { text: `${at}` });
    }
    expect(window.localStorage.length).toBe(MOST_REVIEWS);
    expect(new ComposedTexts('ada', `r${MOST_REVIEWS + 4}`).entries.get().size).toBe(1);
  });

  it.each([
    '{"a":{"text":1}}',
    '[]',
    'nonsense',
    '{"a":{"text":"x","about":"evil","edit":null,"at":1,"target":{"kind":"reply","thread":"t"}}}',
    '{"a":{"text":"x","about":"issue","edit":null,"at":1,"target":{"kind":"new","place":{"round":"1"}}}}',
  ])('ignores what it did not write: %s', (stored) => {
    window.localStorage.setItem('carrel.composed.ada.r1', stored);
    expect(new ComposedTexts('ada', 'r1').entries.get().size).toBe(0);
  });
});
