/** One file in front: its banners, and the editor or what stands in its place. */
'use client';

import { Button } from '@/components/button';
import { Failure, Loading } from '@/components/states';
import { HeadView } from '@/features/viewer/head-view';
import { TextView } from '@/features/viewer/text-view';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { FileBanners } from './file-banners';
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
      return <HeadView key={path} path={path} phase={phase} />;
    case 'ready':
      return (
        <div className="flex h-full min-h-0 flex-col">
          <FileBanners file={file} />
          <div className="min-h-0 flex-1">
            <TextView file={file} />
          </div>
        </div>
      );
  }
}
