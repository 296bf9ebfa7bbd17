/** Says that a file has a copy beside it, or is one, which may be merged. */
'use client';

import { useState } from 'react';
import { Banner } from '@/components/banner';
import { Button } from '@/components/button';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { copiesOf, originalOf, type ConflictCopy } from './conflict-copies';

interface Found extends ConflictCopy {
  path: string;
}

export function CopyBanner({ path }: { path: string }) {
  const { tree: store, overlay } = useWorkspace();
  const { tree } = useStore(store.state);
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const original = originalOf(path);
  const found: Found | undefined =
    original && tree.items.get(original.path)?.kind === 'file'
      ? { ...original, copy: path }
      : copiesOf(tree, path).map((copy) => ({ ...copy, path }))[0];
  if (!found || dismissed.has(found.copy)) return null;
  const words =
    found.copy === path
      ? `This is another version of “${displayName(baseName(found.path))}”, kept because both had changed.`
      : `Another version of this file is kept as “${displayName(baseName(found.copy))}”.`;
  return (
    <Banner
      tone="info"
      actions={
        <>
          <Button onClick={() => setDismissed((old) => new Set(old).add(found.copy))}>Not now</Button>
          <Button onClick={() => overlay.set({ kind: 'merge', source: { kind: 'copy', ...found } })}>
            Merge…
          </Button>
        </>
      }
    >
      {words}
    </Banner>
  );
}
