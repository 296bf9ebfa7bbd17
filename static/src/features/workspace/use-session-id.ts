/** The session's id from the address. */
'use client';

import { usePathId, type PathId } from '@/lib/use-path-id';

export function useSessionId(): PathId {
  return usePathId('s');
}
