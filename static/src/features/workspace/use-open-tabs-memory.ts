/** Opens the tabs of the last visit again, and those that hold unsaved drafts. */
'use client';

import { useEffect } from 'react';
import { isRecord, isStringArray, readStored, writeStored } from '@/lib/storage';
import { useWorkspace } from './workspace-context';

/** More would make the first seconds of a visit slow. */
const MOST_TABS = 20;

interface Remembered {
  paths: string[];
  active: string | null;
}

function isRemembered(value: unknown): value is Remembered {
  return (
    isRecord(value) &&
    isStringArray(value['paths']) &&
    (value['active'] === null || typeof value['active'] === 'string')
  );
}

export function useOpenTabsMemory(): void {
  const workspace = useWorkspace();

  useEffect(() => {
    const { files, drafts, tree, id } = workspace;
    const key = `carrel.tabs.${id}`;
    const remembered = readStored(key, isRemembered) ?? { paths: [], active: null };
    let disposed = false;
    let stop: (() => void) | null = null;

    const restore = async (): Promise<void> => {
      const drafted = await drafts.paths().catch((): string[] => []);
      if (disposed) return;
      const { items } = tree.tree;
      for (const path of remembered.paths.slice(0, MOST_TABS)) {
        if (items.has(path) || drafted.includes(path)) files.open(path, items.get(path)?.size ?? null, false);
      }
      for (const path of drafted) files.open(path, items.get(path)?.size ?? null, false);
      if (remembered.active !== null) files.activate(remembered.active);
      stop = files.tabs.subscribe(() => {
        const { files: open, active } = files.tabs.get();
        writeStored(key, { paths: open.map((file) => file.path), active });
      });
    };
    const whenListed = (): void => {
      if (tree.state.get().status.kind !== 'ready') return;
      unsubscribe();
      void restore();
    };
    const unsubscribe = tree.state.subscribe(whenListed);
    whenListed();
    return () => {
      disposed = true;
      unsubscribe();
      stop?.();
    };
  }, [workspace]);
}
