/** One file in front: its banners, and the editor or what stands in its place. */
'use client';

import { Download, FileWarning } from 'lucide-react';
import { fileUrl } from '@/api/files';
import { Button } from '@/components/button';
import { Empty, Failure, Loading } from '@/components/states';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { formatBytes } from '@/lib/format';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { CodeView } from './code-view';
import { FileBanners } from './file-banners';
import type { Phase } from './file-state';
import type { OpenFile } from './open-file';

export function FileView({ file }: { file: OpenFile }) {
  const { phase, path } = useStore(file.state);
  const { files, tree } = useWorkspace();
  switch (phase.kind) {
    case 'loading':
      return <Loading>Opening {displayName(baseName(path))}…</Loading>;
    case 'failed':
      return (
        <Failure
          title={phase.missing ? 'This file is not there any more' : 'This file could not be opened'}
          actions={
            <>
              <Button onClick={() => void file.load(tree.tree.items.get(path)?.size ?? null)}>
                Try again
              </Button>
              <Button onClick={() => files.close(path)}>Close</Button>
            </>
          }
        >
          {phase.message}
        </Failure>
      );
    case 'unsupported':
      return <Unsupported path={path} phase={phase} />;
    case 'ready':
      return (
        <div className="flex h-full min-h-0 flex-col">
          <FileBanners file={file} />
          <div className="min-h-0 flex-1">
            <CodeView file={file} />
          </div>
        </div>
      );
  }
}

function Unsupported({ path, phase }: { path: string; phase: Extract<Phase, { kind: 'unsupported' }> }) {
  const { id } = useWorkspace();
  const name = baseName(path);
  return (
    <Empty
      icon={<FileWarning aria-hidden />}
      title={displayName(name)}
      actions={
        <a
          href={fileUrl(id, path)}
          download={name}
          className="inline-flex h-8 items-center gap-1.5 rounded-md border border-line-strong bg-raised px-3 hover:bg-hover"
        >
          <Download aria-hidden className="size-4" /> Download ({formatBytes(phase.size)})
        </a>
      }
    >
      {phase.why === 'large'
        ? 'This file is too large to edit here.'
        : 'This file is not text, so it is not shown here.'}
    </Empty>
  );
}
