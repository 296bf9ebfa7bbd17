import { describe, expect, it } from 'vitest';
import {
  compareNames,
  displayName,
  encodePath,
  extensionOf,
  isWithin,
  isWithinAny,
  movedPath,
  nameProblem,
  parentOf,
  shellQuote,
} from './paths';

describe('paths', () => {
  it.each([
    ['a/b/c', 'a/b'],
    ['a', ''],
  ])('parent of %s is %s', (path, parent) => expect(parentOf(path)).toBe(parent));

  it.each([
    ['a/b', 'a', true],
    ['ab', 'a', false],
    ['a', 'a', true],
    ['x', '', true],
  ])('%s within %s is %s', (path, folder, within) => expect(isWithin(path, folder)).toBe(within));

  it('moves a file along with its folder, and nothing else', () => {
    expect(movedPath('src/a.py', 'src', 'lib')).toBe('lib/a.py');
    expect(movedPath('srcs/a.py', 'src', 'lib')).toBe('srcs/a.py');
  });

  it('is within a folder, or one of several', () => {
    expect(isWithinAny('a/b/c', new Set(['x', 'a']))).toBe(true);
    expect(isWithinAny('a', new Set(['a']))).toBe(true);
    expect(isWithinAny('ab/c', new Set(['a', 'ab/cd']))).toBe(false);
    expect(isWithinAny('a', new Set(['']))).toBe(true);
  });

  it('keeps slashes and encodes everything else', () => {
    expect(encodePath('données/50% #1?.py')).toBe('donn%C3%A9es/50%25%20%231%3F.py');
  });

  it.each([
    ['main.py', 'main.py'],
    ['my file.py', `'my file.py'`],
    [`it's.py`, `'it'\\''s.py'`],
    ['-rf.py', `'-rf.py'`],
    ['$(reboot).py', `'$(reboot).py'`],
    ['a/b.py', 'a/b.py'],
    ["it's\\a\u0003\nreboot\u0085.py", "$'it\\'s\\\\a\\x03\\x0areboot\\xc2\\x85.py'"],
  ])('quotes %s as %s', (name, quoted) => expect(shellQuote(name)).toBe(quoted));

  it('sorts names as people do', () => {
    expect(['b10', 'B2', 'a', 'b1'].sort(compareNames)).toEqual(['a', 'b1', 'B2', 'b10']);
  });

  it.each(['', '.', '..', 'a/b', 'a\\b', 'a\nb', 'x'.repeat(256)])('refuses the name %j', (name) =>
    expect(nameProblem(name)).not.toBeNull(),
  );

  it('accepts ordinary and foreign names', () => {
    for (const name of ['a.py', '.env', 'données.csv', '日本語.txt', ' '])
      expect(nameProblem(name)).toBeNull();
  });

  it('shows control and direction characters as replacement characters', () => {
    expect(displayName('a\u202egpj.exe\u001b')).toBe('a\ufffdgpj.exe\ufffd');
  });

  it('takes a leading dot as part of the name', () => {
    expect(extensionOf('.bashrc')).toBe('');
    expect(extensionOf('a/b.TAR.GZ')).toBe('gz');
  });
});
