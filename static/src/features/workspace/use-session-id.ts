/** The session's id from the address; the page itself is exported once for all ids. */
'use client';

import { usePathname } from 'next/navigation';
import { useSyncExternalStore } from 'react';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export type SessionId = { kind: 'unknown' } | { kind: 'invalid' } | { kind: 'id'; id: string };

export function parseSessionPath(pathname: string): SessionId {
  const [first, id, ...rest] = pathname.split('/').filter((part) => part !== '');
  const valid = first === 's' && id !== undefined && UUID.test(id) && rest.length === 0;
  return valid ? { kind: 'id', id: id.toLowerCase() } : { kind: 'invalid' };
}

/** `unknown` while the exported page has not looked at the address yet. */
export function useSessionId(): SessionId {
  const routed = usePathname();
  const mounted = useSyncExternalStore(
    () => () => undefined,
    () => true,
    () => false,
  );
  if (!mounted) return { kind: 'unknown' };
  const parsed = parseSessionPath(routed);
  return parsed.kind === 'id' ? parsed : parseSessionPath(window.location.pathname);
}
