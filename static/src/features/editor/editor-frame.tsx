/** Where Monaco draws one of its editors: says that it is loading, or why it could not be. */
'use client';

import type { RefObject } from 'react';
import { Failure, Loading } from '@/components/states';

interface EditorFrameProps {
  host: RefObject<HTMLDivElement | null>;
  problem: string | null;
  /** Whether the editor is there. */
  ready: boolean;
  testId: string;
}

export function EditorFrame({ host, problem, ready, testId }: EditorFrameProps) {
  if (problem) return <Failure title="The editor could not be loaded">{problem}</Failure>;
  return (
    <div className="relative h-full">
      {ready ? null : (
        <div className="absolute inset-0">
          <Loading>Loading the editor…</Loading>
        </div>
      )}
      <div ref={host} className="h-full" data-testid={testId} />
    </div>
  );
}
