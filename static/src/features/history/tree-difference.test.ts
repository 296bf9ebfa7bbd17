import { describe, expect, it } from 'vitest';
import type { Item } from '@/api/types';
import { treeOf } from '@/features/tree/tree-model';
import { isSame, treeDifference } from './tree-difference';

function item(path: string, change: Partial<Item> = {}): Item {
  return { path, kind: 'file', size: 1, etag: 'one', executable: false, modified_at: '', ...change };
}

describe('treeDifference', () => {
  it('names what would be made again, changed and removed', () => {
    const then = [item('a'), item('b', { etag: 'old' }), item('c', { executable: true }), item('gone')];
    const now = treeOf([item('a'), item('b'), item('c'), item('new')]).items;
    const difference = treeDifference(then, now, '');
    expect(difference).toEqual({ added: ['gone'], changed: ['b', 'c'], removed: ['new'] });
    expect(isSame(difference)).toBe(false);
  });

  it('looks at a folder and what is in it alone', () => {
    const then = [
      item('src', { kind: 'folder', etag: null }),
      item('src/a', { etag: 'old' }),
      item('srcs', { etag: 'old' }),
    ];
    const now = treeOf([item('src/a'), item('srcs'), item('src/b')]).items;
    expect(treeDifference(then, now, 'src')).toEqual({ added: [], changed: ['src/a'], removed: ['src/b'] });
  });

  it('sees no difference in how a tag is written, nor in the time of a change', () => {
    const then = [
      item('a', { etag: '"one"', modified_at: 'then' }),
      item('l', { kind: 'symlink', target: 'a' }),
    ];
    const now = treeOf([item('a'), item('l', { kind: 'symlink', target: 'a' })]).items;
    expect(isSame(treeDifference(then, now, ''))).toBe(true);
    expect(treeDifference(then, treeOf([item('a'), item('l')]).items, '').changed).toEqual(['l']);
  });
});
