/** Headless Tree on top of our tree: expansion is remembered, focus survives changes, files can be dragged. */
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

interface Options {
  tree: TreeModel;
  /** Under which the expanded folders are remembered. */
  session: string;
  onOpen: (path: string) => void;
  onMove: (path: string, folder: string) => void;
}

function expandedKey(session: string): string {
  return `carrel.expanded.${session}`;
}

const GONE: Item = { path: '', kind: 'file', size: 0, executable: false, modified_at: '' };

export function useFileTree({ tree, session, onOpen, onMove }: Options): TreeInstance<Item> {
  const model = useRef(tree);
  model.current = tree;
  const [expanded, setExpanded] = useState(() => readStored(expandedKey(session), isStringArray) ?? []);
  const [focused, setFocused] = useState<string | null>(null);
  const shown = useRef(tree);
  const { feature, requests } = useDomFocusRequests();

  const instance = useTree<Item>({
    rootItemId: ROOT,
    state: { expandedItems: expanded, focusedItem: focused },
    setExpandedItems: setExpanded,
    setFocusedItem: setFocused,
    dataLoader: {
      getItem: (id) => model.current.items.get(id) ?? GONE,
      getChildren: (id) => [...(model.current.children.get(id) ?? [])],
    },
    getItemName: (item) => displayName(baseName(item.getId())),
    isItemFolder: (item) => isFolder(model.current, item.getId()),
    onPrimaryAction: (item) => {
      if (!item.isFolder()) onOpen(item.getId());
    },
    canReorder: false,
    canDrop: (items, target) => {
      const to = target.item.getId();
      return (
        target.item.isFolder() &&
        items.every((item) => !isWithin(to, item.getId()) && parentOf(item.getId()) !== to)
      );
    },
    onDrop: (items, target) => {
      for (const item of items) onMove(item.getId(), target.item.getId());
    },
    indent: 12,
    ignoreHotkeysOnInputs: true,
    features: [syncDataLoaderFeature, selectionFeature, hotkeysCoreFeature, dragAndDropFeature, feature],
  });

  useEffect(() => {
    writeStored(expandedKey(session), expanded);
  }, [session, expanded]);

  useEffect(() => {
    const before = shown.current;
    shown.current = tree;
    setFocused((old) => (old === null ? null : survivor(before, tree, old)));
    instance.rebuildTree();
  }, [instance, tree]);

  useDomFocus(instance, requests);

  return instance;
}
