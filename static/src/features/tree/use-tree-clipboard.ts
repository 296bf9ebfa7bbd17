/** Cut and copied items of the tree, until they are pasted or given up. */
'use client';

import { useState } from 'react';
import type { TreeModel } from './tree-model';
import type { Moved, TreeCommands } from './use-tree-commands';

interface Clipping {
  kind: 'cut' | 'copy';
  paths: readonly string[];
}

export interface TreeClipboard {
  isCut: (path: string) => boolean;
  /** Whether there is something to paste. */
  full: boolean;
  cut: (paths: readonly string[]) => void;
  copy: (paths: readonly string[]) => void;
  clear: () => void;
  /** Moves or copies into a folder; resolves to what is there now. */
  paste: (folder: string) => Promise<Moved[]>;
}

export function useTreeClipboard(tree: TreeModel, commands: TreeCommands): TreeClipboard {
  const [clipping, setClipping] = useState<Clipping | null>(null);
  // What has gone meanwhile cannot be pasted any more.
  const paths = clipping?.paths.filter((path) => tree.items.has(path)) ?? [];

  return {
    isCut: (path) => clipping?.kind === 'cut' && clipping.paths.includes(path),
    full: paths.length > 0,
    cut: (now) => setClipping({ kind: 'cut', paths: now }),
    copy: (now) => setClipping({ kind: 'copy', paths: now }),
    clear: () => setClipping(null),
    async paste(folder) {
      if (paths.length === 0) return [];
      if (clipping?.kind === 'copy') return commands.copyInto(paths, folder);
      // What is cut can be pasted once; what failed has been told and stays where it is.
      setClipping(null);
      return commands.moveInto(paths, folder);
    },
  };
}
