/** An id from the page's address; the page itself is exported once for all ids. */
'use client';

import { usePathname } from 'next/navigation';
import { useSyncExternalStore } from 'react';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export type PathId = { kind: 'unknown' } | { kind: 'invalid' } | { kind: 'id'; id: string };

/** The id in `/{route}/{id}/`. */
export function parseIdPath(route: string, pathname: string): PathId {
  const [first, id, ...rest] = pathname.split('/').filter((part) => part !== '');
  const valid = first === route && id !== undefined && UUID.test(id) && rest.length === 0;
  return valid ? { kind: 'id', id: id.toLowerCase() } : { kind: 'invalid' };
}

/** `unknown` while the exported page has not looked at the address yet. */
export function usePathId(route: string): PathId {
  const routed = usePathname();
  const mounted = useSyncExternalStore(
    () => () => undefined,
    () => true,
    () => false,
  );
  if (!mounted) return { kind: 'unknown' };
  const parsed = parseIdPath(route, routed);
  return parsed.kind === 'id' ? parsed : parseIdPath(route, window.location.pathname);
}
