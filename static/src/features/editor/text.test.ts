import { describe, expect, it } from 'vitest';
import { MemoryDraftTable } from './draft-database';
import { DRAFT_LIFE_MS, Drafts, MOST_DRAFTS, forgetDrafts } from './drafts';
import { bareEtag, conflictName, decodeText } from './file-text';
import { smallestEdit } from './text-buffer';

describe('smallestEdit', () => {
  it.each([
    ['abc', 'abc'],
    ['', 'abc'],
    ['abc', ''],
    ['aXc', 'aYYc'],
    ['aaa', 'aaaa'],
    ['line one\nline two\n', 'line one\nline 2\n'],
  ])('turns %j into %j', (old, now) => {
    const { start, endOld, text } = smallestEdit(old, now);
    expect(old.slice(0, start) + text + old.slice(endOld)).toBe(now);
  });

  it('touches only what differs', () => {
    expect(smallestEdit('one two three', 'one 2 three')).toEqual({ start: 4, endOld: 7, text: '2' });
  });
});

describe('file text', () => {
  it('takes UTF-8 without NUL as text and nothing else', () => {
    expect(decodeText(new TextEncoder().encode('日本'))).toEqual({ kind: 'text', text: '日本' });
    expect(decodeText(Uint8Array.of(0xff, 0xfe))).toEqual({ kind: 'binary' });
    expect(decodeText(Uint8Array.of(65, 0))).toEqual({ kind: 'binary' });
  });

  it('names a copy beside the original and keeps the ending', () => {
    const now = new Date('2026-05-01T12:30:05Z');
    expect(conflictName('src/a.b.py', now)).toBe('src/a.b (mine 2026-05-01 12-30-05).py');
    expect(conflictName('dir.d/Makefile', now)).toBe('dir.d/Makefile (mine 2026-05-01 12-30-05)');
  });

  it('compares tags without quotes and weakness', () => {
    expect(bareEtag('W/"ab"')).toBe('ab');
    expect(bareEtag(null)).toBe('');
  });
});

describe('drafts', () => {
  it('belong to one user and session', async () => {
    const table = new MemoryDraftTable();
    await new Drafts(table, 'ada', '1').keep('a.py', 'x', '');
    expect(await new Drafts(table, 'bob', '1').read('a.py')).toBeUndefined();
    expect(await new Drafts(table, 'ada', '1').paths()).toEqual(['a.py']);
  });

  it('of a user who signs out are deleted, and nobody else’s', async () => {
    const table = new MemoryDraftTable();
    await new Drafts(table, 'ada', '1').keep('a.py', 'x', '');
    await new Drafts(table, 'ada', '2').keep('b.py', 'x', '');
    await new Drafts(table, 'ada2', '1').keep('a.py', 'x', '');
    await forgetDrafts(table, 'ada');
    expect((await table.all()).map(({ key }) => key)).toEqual(['ada2/1/a.py']);
  });

  it('are bounded in number and age, the oldest going first', async () => {
    const table = new MemoryDraftTable();
    let now = 0;
    const drafts = new Drafts(table, 'ada', '1', () => now);
    await drafts.keep('ancient', 'x', '');
    now = DRAFT_LIFE_MS + 1;
    for (let count = 0; count < MOST_DRAFTS + 3; count += 1) {
      now += 1;
      await drafts.keep(`f${count}`, 'x', '');
    }
    await drafts.tidy();
    const left = await drafts.paths();
    expect(left).toHaveLength(MOST_DRAFTS);
    expect(left).not.toContain('ancient');
    expect(left).not.toContain('f2');
    expect(left).toContain('f3');
  });
});
