/** Which rows of the tree are selected: by click with Ctrl and Shift, and by Shift with the arrow keys. */
'use client';

import type { TreeInstance } from '@headless-tree/core';
import { useMemo, useRef, type RefObject } from 'react';
import type { Item } from '@/api/types';
import { hasMod } from '@/lib/platform';
import { range, toggled } from './tree-selection';

interface Modifiers {
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

export interface TreeSelection {
  /** A click on a row. Returns whether it was only about selecting. */
  click: (path: string, event: Modifiers) => boolean;
  /** One row up or down from where the keyboard is, with everything from where the selection began. */
  extend: (step: 1 | -1) => void;
  toggle: (path: string) => void;
  only: (paths: readonly string[]) => void;
  all: () => void;
}

export function useTreeSelection(instance: RefObject<TreeInstance<Item> | null>): TreeSelection {
  /** Where a selection of several began. */
  const anchor = useRef<string | null>(null);

  return useMemo(() => {
    const tree = (): TreeInstance<Item> => {
      if (!instance.current) throw new Error('the tree is not there yet');
      return instance.current;
    };
    const shown = (): string[] =>
      tree()
        .getItems()
        .map((item) => item.getId());
    const selected = (): string[] => tree().getState().selectedItems;

    const only = (paths: readonly string[]): void => {
      anchor.current = paths[0] ?? null;
      tree().setSelectedItems([...paths]);
    };
    const toggle = (path: string): void => {
      anchor.current = path;
      tree().setSelectedItems(toggled(selected(), path));
    };

    return {
      click(path, event) {
        if (event.shiftKey) {
          const from = anchor.current ?? tree().getState().focusedItem;
          tree().setSelectedItems(range(shown(), from, path));
          anchor.current = from ?? path;
          return true;
        }
        if (hasMod(event)) {
          toggle(path);
          return true;
        }
        only([path]);
        return false;
      },
      extend(step) {
        const focused = tree().getFocusedItem();
        const from = selected().includes(focused.getId()) ? anchor.current : focused.getId();
        const next = step === 1 ? focused.getItemBelow() : focused.getItemAbove();
        if (!next) return;
        anchor.current = from;
        tree().setSelectedItems(range(shown(), from, next.getId()));
        next.setFocused();
        tree().updateDomFocus();
      },
      toggle,
      only,
      all: () => tree().setSelectedItems(shown()),
    };
  }, [instance]);
}
