import { describe, expect, it } from 'vitest';
import type { Version } from '@/api/types';
import { json, serve } from '@/test/render-page';
import { baseByEtag, baseOfCopy } from './merge-base';

const COPY = 'a (conflict 2026-03-01 09.30.05).py';

/** A version of minute `id` whose content is its tag. */
function version(id: number, etag: string, origin: Version['origin'] = 'editor', path = 'a.py'): Version {
  return {
    id,
    path,
    change: id === 1 || path === COPY ? 'created' : 'modified',
    kind: 'file',
    size: 1,
    etag,
    executable: false,
    target: null,
    other_path: null,
    origin,
    user: null,
    at: new Date(Date.UTC(2026, 2, 1, 9, id)).toISOString(),
  };
}

/** A session whose history is this, two versions to a page. */
function history(versions: readonly Version[]): void {
  const of = (path: string) => (request: Request) => {
    const { searchParams } = new URL(request.url);
    const wanted = searchParams.get('version');
    const own = versions.filter((one) => one.path === path).reverse();
    if (wanted !== null) return new Response(own.find(({ id }) => `${id}` === wanted)?.etag);
    const from = Number(searchParams.get('cursor') ?? 0);
    return json({ items: own.slice(from, from + 2), next: from + 2 < own.length ? `${from + 2}` : null });
  };
  serve({
    'GET /sessions/s/versions/a.py': of('a.py'),
    [`GET /sessions/s/versions/${encodeURIComponent(COPY)}`]: of(COPY),
  });
}

describe('what two versions were made from', () => {
  it('is found by its tag, however it is written, some pages back', async () => {
    history([version(1, 'one'), version(2, 'two'), version(3, 'three'), version(4, 'four')]);
    expect(await baseByEtag('s', 'a.py', '"one"')).toBe('one');
    expect(await baseByEtag('s', 'a.py', 'W/"three"')).toBe('three');
    expect(await baseByEtag('s', 'a.py', '"never"')).toBeNull();
    expect(await baseByEtag('s', 'a.py', '')).toBeNull();
  });

  it('is what there was before the save in whose way the copy was found', async () => {
    history([
      version(1, 'one'),
      version(2, 'base', 'terminal'),
      version(3, 'saved'),
      version(4, 'program', 'terminal', COPY),
      version(5, 'later'),
    ]);
    expect(await baseOfCopy('s', 'a.py', COPY)).toBe('base');
  });

  it('is not guessed at when no save came before the copy', async () => {
    history([version(1, 'one'), version(3, 'two', 'terminal'), version(4, 'x', 'terminal', COPY)]);
    expect(await baseOfCopy('s', 'a.py', COPY)).toBeNull();
    history([version(1, 'one'), version(4, 'x', 'terminal', COPY)]);
    expect(await baseOfCopy('s', 'a.py', COPY)).toBeNull();
  });
});
