import { describe, expect, it } from 'vitest';
import { concerned, range, toggled, topmost } from './tree-selection';
import { treeOf, withItems } from './tree-model';
import { treeCommand } from './tree-keys';

describe('selection', () => {
  const shown = ['a', 'a/b', 'a/c', 'd'];

  it('is a range in both directions, and one row where there is no beginning', () => {
    expect(range(shown, 'a/b', 'd')).toEqual(['a/b', 'a/c', 'd']);
    expect(range(shown, 'd', 'a/c')).toEqual(['a/c', 'd']);
    expect(range(shown, null, 'd')).toEqual(['d']);
    expect(range(shown, 'gone', 'd')).toEqual(['d']);
  });

  it('loses and gains single rows', () => {
    expect(toggled(['a'], 'b')).toEqual(['a', 'b']);
    expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
  });

  it('counts what is in a selected folder with the folder', () => {
    expect(topmost(['a/b', 'a', 'a.txt', 'a/c/d', 'e'])).toEqual(['a', 'a.txt', 'e']);
    expect(topmost(['b', 'a', 'b'])).toEqual(['b', 'a']);
    const many = Array.from({ length: 50_000 }, (_, index) => `folder/file ${index}`);
    expect(topmost(many)).toEqual(many);
  });

  it('is what a command is about only if its row is part of it', () => {
    expect(concerned(['a', 'b'], 'b')).toEqual(['a', 'b']);
    expect(concerned(['a', 'b'], 'c')).toEqual(['c']);
  });
});

describe('withItems', () => {
  const file = (path: string, kind: 'file' | 'folder' = 'file') => ({
    path,
    kind,
    size: 0,
    executable: false,
    modified_at: '',
  });

  it('adds rows in their order, with the folders they need', () => {
    const before = treeOf([file('src', 'folder'), file('src/b.py')]);
    const after = withItems(before, [file('src/a.py'), file('x/y'), file('.venv', 'folder')]);
    expect(after.children.get('')).toEqual(['.venv', 'src', 'x']);
    expect(after.children.get('src')).toEqual(['src/a.py', 'src/b.py']);
    expect(after.children.get('x')).toEqual(['x/y']);
    expect(before.children.get('src')).toEqual(['src/b.py']);
  });
});

describe('keys of the tree', () => {
  const key = (name: string, held: object = {}) =>
    treeCommand({ key: name, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

  it('are commands with just their modifiers', () => {
    expect(key('Delete')).toBe('delete');
    expect(key('N', { shiftKey: true })).toBe('new_folder');
    expect(key('x', { ctrlKey: true })).toBe('cut');
    expect(key('ArrowDown', { shiftKey: true })).toBe('select_down');
    expect(key('x')).toBeNull();
    expect(key('Delete', { ctrlKey: true })).toBeNull();
    expect(key('v', { ctrlKey: true, shiftKey: true })).toBeNull();
    expect(key('ArrowDown')).toBeNull();
  });
});
