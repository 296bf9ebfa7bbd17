import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Item } from '@/api/types';
import { download } from './downloads';
import { EMPTY_TREE, withItems } from './tree-model';

const followed: [href: string, name: string][] = [];
const item = (path: string, kind: Item['kind'] = 'file'): Item => ({
  path,
  kind,
  size: 0,
  executable: false,
  modified_at: '',
});
const TREE = withItems(EMPTY_TREE, [item('src', 'folder'), item('src/a b.py'), item('c&d.md')]);

beforeEach(() => {
  followed.length = 0;
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    followed.push([this.pathname + this.search, this.download]);
  });
});

describe('a download', () => {
  it('of a file is the file, of anything else one archive', () => {
    expect(download('s', TREE, ['src/a b.py'])).toBeNull();
    expect(download('s', TREE, ['src'])).toBeNull();
    expect(download('s', TREE, ['src/a b.py', 'c&d.md'])).toBeNull();
    expect(followed).toEqual([
      ['/api/v1/sessions/s/files/src/a%20b.py', 'a b.py'],
      ['/api/v1/sessions/s/archive.zip?path=src', ''],
      ['/api/v1/sessions/s/archive.zip?path=src/a%20b.py&path=c%26d.md', ''],
    ]);
  });

  it('of more than an address can name is none, and says so', () => {
    const many = Array.from({ length: 1001 }, (_, number) => `${number}`);
    const long = Array.from({ length: 100 }, (_, number) => `${number}${'x'.repeat(300)}`);
    for (const paths of [many, long]) expect(download('s', TREE, paths)).toMatch(/too many/);
    expect(followed).toEqual([]);
  });
});
