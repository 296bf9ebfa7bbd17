/** Headless Tree on top of our tree: expansion is remembered, focus and selection survive changes, items can be dragged. */
'use client';

import {
  dragAndDropFeature,
  hotkeysCoreFeature,
  selectionFeature,
  syncDataLoaderFeature,
  type TreeInstance,
} from '@headless-tree/core';
import { useTree } from '@headless-tree/react';
import { useEffect, useRef, useState } from 'react';
import type { Item } from '@/api/types';
import { baseName, displayName, isWithin, parentOf } from '@/lib/paths';
import { isStringArray, readStored, writeStored } from '@/lib/storage';
import { useDomFocus, useDomFocusRequests } from './keyboard-focus';
import { ROOT, isFolder, survivor, type TreeModel } from './tree-model';
import { topmost } from './tree-selection';

interface Options {
  tree: TreeModel;
  /** Under which the expanded folders are remembered. */
  session: string;
  /** What is only in the sandbox can neither be opened nor moved. */
  isUnkept: (path: string) => boolean;
  onMove: (paths: string[], folder: string) => void;
}

/** How long something is held over a folder until it opens. */
const SPRING_MS = 600;

function expandedKey(session: string): string {
  return `carrel.expanded.${session}`;
}

const GONE: Item = { path: '', kind: 'file', size: 0, executable: false, modified_at: '' };

/** Ours know where a selection began, and which keys are held down only from the event itself. */
const off = (hotkey: string) => ({ hotkey, isEnabled: () => false });
const OURS = {
  toggleSelectedItem: off('Control+Space'),
  selectUpwards: off('Shift+ArrowUp'),
  selectDownwards: off('Shift+ArrowDown'),
  selectAll: off('Control+KeyA'),
};

export function useFileTree({ tree, session, isUnkept, onMove }: Options): TreeInstance<Item> {
  const model = useRef(tree);
  model.current = tree;
  const [expanded, setExpanded] = useState(() => readStored(expandedKey(session), isStringArray) ?? []);
  const [focused, setFocused] = useState<string | null>(null);
  const [selected, setSelected] = useState<string[]>([]);
  const shown = useRef(tree);
  const { feature, requests } = useDomFocusRequests();

  const instance = useTree<Item>({
    rootItemId: ROOT,
    state: { expandedItems: expanded, focusedItem: focused, selectedItems: selected },
    setExpandedItems: setExpanded,
    setFocusedItem: setFocused,
    setSelectedItems: setSelected,
    dataLoader: {
      getItem: (id) => model.current.items.get(id) ?? GONE,
      getChildren: (id) => [...(model.current.children.get(id) ?? [])],
    },
    getItemName: (item) => displayName(baseName(item.getId())),
    // A folder of which nothing is known has nothing to open.
    isItemFolder: (item) =>
      isFolder(model.current, item.getId()) &&
      !(isUnkept(item.getId()) && (model.current.children.get(item.getId()) ?? []).length === 0),
    canReorder: false,
    canDrag: (items) => !items.some((item) => isUnkept(item.getId())),
    canDrop: (items, target) => {
      const to = target.item.getId();
      const paths = items.map((item) => item.getId());
      return (
        target.item.isFolder() &&
        paths.every((path) => !isWithin(to, path)) &&
        paths.some((path) => parentOf(path) !== to)
      );
    },
    openOnDropDelay: SPRING_MS,
    onDrop: (items, target) => onMove(topmost(items.map((item) => item.getId())), target.item.getId()),
    indent: 12,
    ignoreHotkeysOnInputs: true,
    hotkeys: OURS,
    features: [syncDataLoaderFeature, selectionFeature, hotkeysCoreFeature, dragAndDropFeature, feature],
  });

  useEffect(() => {
    writeStored(expandedKey(session), expanded);
  }, [session, expanded]);

  useEffect(() => {
    const before = shown.current;
    shown.current = tree;
    setFocused((old) => (old === null ? null : survivor(before, tree, old)));
    setSelected((old) =>
      old.every((path) => tree.items.has(path)) ? old : old.filter((path) => tree.items.has(path)),
    );
    instance.rebuildTree();
  }, [instance, tree]);

  useDomFocus(instance, requests);

  return instance;
}
