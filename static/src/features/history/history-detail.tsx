/** The version that is selected, or two: what is compared with what, and what can be done with it. */
'use client';

import { useState } from 'react';
import type { Version } from '@/api/types';
import { Button } from '@/components/button';
import { Choice } from '@/components/choice';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { baseName, displayName } from '@/lib/paths';
import { readStored, writeStored } from '@/lib/storage';
import { useRestore } from './use-restore';
import { VersionDetail } from './version-detail';
import { isEnd, momentOf } from './version-words';

type Look = 'beside' | 'inline';

const LOOK_KEY = 'carrel.difference';

function isLook(value: unknown): value is Look {
  return value === 'beside' || value === 'inline';
}

interface HistoryDetailProps {
  /** One or two of the same path. */
  versions: readonly Version[];
  /** The list is of what is deleted. */
  deleted: boolean;
  /** The list is of several paths, not the history of this one. */
  several: boolean;
  /** Goes to the history of a path. */
  onPath: (path: string) => void;
  onClose: () => void;
}

export function HistoryDetail({ versions, deleted, several, onPath, onClose }: HistoryDetailProps) {
  const workspace = useWorkspace();
  const restore = useRestore();
  const [look, setLook] = useState<Look>(() => readStored(LOOK_KEY, isLook) ?? 'beside');
  const [first, second] = [...versions].sort((a, b) => a.id - b.id);
  if (!first) return null;
  const name = displayName(baseName(first.path));
  const time = momentOf(first.at);

  const choose = (next: Look): void => {
    setLook(next);
    writeStored(LOOK_KEY, next);
  };
  const back = async (): Promise<void> => {
    const done = deleted
      ? await restore({ path: first.path }, null, `“${name}” is back`)
      : await restore(
          { path: first.path, version: first.id },
          {
            title: `Have “${name}” as on ${momentOf(first.at)}?`,
            text: 'What is there now stays in the history, and this can be undone.',
            yes: 'Restore',
          },
          `“${name}” is as it was`,
        );
    if (done && !deleted && first.kind === 'file') {
      workspace.open(first.path, true);
      onClose();
    }
  };

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b px-3 py-2">
        <p className="min-w-0 flex-1 truncate" title={displayName(first.path)}>
          <span className="font-medium">{several ? displayName(first.path) : time}</span>
          <span className="text-muted">
            {several ? ` · ${time}` : ''}
            {second ? ` against ${momentOf(second.at)}` : ' against what is there now'}
            {isEnd(first) ? ' · as it was before it went' : ''}
          </span>
        </p>
        {first.kind === 'file' ? (
          <Choice
            label="How differences are shown"
            value={look}
            options={[
              ['beside', 'Side by side'],
              ['inline', 'Inline'],
            ]}
            onChange={choose}
          />
        ) : null}
        {several ? <Button onClick={() => onPath(first.path)}>Its history</Button> : null}
        {first.other_path && !several ? (
          <Button onClick={() => onPath(first.other_path ?? '')}>
            History as “{displayName(baseName(first.other_path))}”
          </Button>
        ) : null}
        {second ? null : (
          <Button variant="primary" onClick={() => void back()}>
            {deleted ? 'Undelete' : 'Restore this version…'}
          </Button>
        )}
      </div>
      <div className="min-h-0 flex-1">
        <VersionDetail versions={second ? [first, second] : [first]} beside={look === 'beside'} />
      </div>
    </div>
  );
}
