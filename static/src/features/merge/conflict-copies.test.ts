import { describe, expect, it } from 'vitest';
import type { Item } from '@/api/types';
import { conflictName } from '@/features/editor/file-text';
import { treeOf } from '@/features/tree/tree-model';
import { copiesOf, originalOf } from './conflict-copies';

function file(path: string): Item {
  return { path, kind: 'file', size: 1, etag: 'x', executable: false, modified_at: '' };
}

describe('originalOf', () => {
  it.each([
    ['src/main (conflict 2026-03-01 09.30.05).py', 'src/main.py', 'program'],
    ['main (conflict 2026-03-01 09.30.05 3).py', 'main.py', 'program'],
    ['.bashrc (conflict 2026-03-01 09.30.05)', '.bashrc', 'program'],
    ['a.tar (conflict 2026-03-01 09.30.05).gz', 'a.tar.gz', 'program'],
    ['src/main (template 3).py', 'src/main.py', 'template'],
    ['main (template 3 2)', 'main', 'template'],
    [conflictName('src/main.py'), 'src/main.py', 'mine'],
  ])('knows whose copy “%s” is', (copy, path, origin) => {
    expect(originalOf(copy)).toEqual({ path, origin });
  });

  it.each(['main.py', 'notes (conflict).txt', 'main (mine).py', 'a (conflict 2026-03-01)'])(
    'takes “%s” for an ordinary name',
    (path) => expect(originalOf(path)).toBeNull(),
  );
});

describe('copiesOf', () => {
  it('finds the copies in the same folder, and no folders', () => {
    const copy = 'src/a (conflict 2026-03-01 09.30.05).py';
    const elsewhere = 'a (conflict 2026-03-01 09.30.05).py';
    const tree = treeOf([file('src/a.py'), file(copy), file(elsewhere)]);
    expect(copiesOf(tree, 'src/a.py')).toEqual([{ copy, origin: 'program' }]);
    const folder = treeOf([file('src/a.py'), { ...file(copy), kind: 'folder' }]);
    expect(copiesOf(folder, 'src/a.py')).toEqual([]);
  });
});
