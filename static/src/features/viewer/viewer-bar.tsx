/** The line above what is not simply edited: what it is, ways to look at it, and a download. */
'use client';

import { Download } from 'lucide-react';
import type { ReactNode } from 'react';
import { fileUrl } from '@/api/files';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { baseName } from '@/lib/paths';
import { MODE_WORDS, type ViewMode } from './file-kinds';

interface ViewerBarProps {
  path: string;
  children: ReactNode;
  modes?: readonly ViewMode[];
  mode?: ViewMode;
  onMode?: (mode: ViewMode) => void;
}

export function ViewerBar({ path, children, modes = [], mode, onMode }: ViewerBarProps) {
  const { id } = useWorkspace();
  return (
    <div className="flex min-h-8 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-bg px-3 py-1 text-xs">
      <p className="min-w-0 flex-1 text-muted">{children}</p>
      {modes.length > 1 ? (
        <div role="group" aria-label="Show as" className="flex rounded-md border border-line-strong p-px">
          {modes.map((way) => (
            <button
              key={way}
              type="button"
              aria-pressed={way === mode}
              onClick={() => onMode?.(way)}
              className={cx(
                'rounded px-2',
                way === mode ? 'bg-selected text-fg' : 'text-muted hover:bg-hover',
              )}
            >
              {MODE_WORDS[way]}
            </button>
          ))}
        </div>
      ) : null}
      <a
        href={fileUrl(id, path)}
        download={baseName(path)}
        className="inline-flex items-center gap-1 rounded px-1 text-muted hover:bg-hover hover:text-fg"
      >
        <Download aria-hidden className="size-3.5" /> Download
      </a>
    </div>
  );
}
