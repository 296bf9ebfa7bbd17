/**
 * Where the keyboard is in the tree.
 *
 * Headless Tree moves the DOM focus from a timer that polls up to half a second for the row, and if the row is
 * gone by then it makes the *first* item the focused one, wherever the user is meanwhile. Here the focus moves in
 * the commit that was asked for it or not at all, and it never changes which item is the focused one.
 */
'use client';

import type { FeatureImplementation, TreeInstance } from '@headless-tree/core';
import { useLayoutEffect, useState } from 'react';
import type { Item } from '@/api/types';

/** Tells the tree how to ask for the DOM focus; goes last among its features, where it overrides. */
export function domFocusFeature(ask: () => void): FeatureImplementation<Item> {
  return { key: 'dom-focus', treeInstance: { updateDomFocus: () => ask() } };
}

/** The feature for the tree, and how often the focus was asked for. */
export function useDomFocusRequests(): { feature: FeatureImplementation<Item>; requests: number } {
  const [requests, setRequests] = useState(0);
  const [feature] = useState(() => domFocusFeature(() => setRequests((count) => count + 1)));
  return { feature, requests };
}

/** Moves the DOM focus to the focused row after each request. */
export function useDomFocus(instance: TreeInstance<Item>, requests: number): void {
  useLayoutEffect(() => {
    if (requests === 0) return;
    const { focusedItem } = instance.getState();
    const row = focusedItem === null ? null : instance.getItemInstance(focusedItem).getElement();
    if (row && mayTakeFocus(instance.getElement())) row.focus();
  }, [instance, requests]);
}

/** Whoever has gone on to the editor or a terminal keeps the keyboard there. */
function mayTakeFocus(tree: HTMLElement | null | undefined): boolean {
  const active = document.activeElement;
  return active === null || active === document.body || (tree?.contains(active) ?? false);
}

/** The path of the row an event came from: what the user sees focused or has clicked. */
export function rowPath(target: EventTarget): string | null {
  const row = target instanceof Element ? target.closest('[data-path]') : null;
  return row?.getAttribute('data-path') ?? null;
}
