/**
 * How the terminals of a session are arranged: tabs, each with one terminal or several beside or below each other.
 *
 * Pure functions over immutable values. **Invariants**: a terminal is in exactly one tab, no tab is empty, the shares of
 * a tab add up to one, and the tab in front is one of them (or `null` when there is none).
 */

import { isRecord } from '@/lib/storage';

/** Panes narrower than a few words help nobody. */
export const MOST_PANES = 4;

export type Direction = 'row' | 'column';

export interface Pane {
  /** The terminal's id. */
  id: string;
  /** Its part of the tab, between 0 and 1. */
  share: number;
}

export interface TerminalTab {
  /** Of this visit only. */
  key: string;
  direction: Direction;
  panes: readonly Pane[];
  /** The terminal that has, or last had, the keyboard. */
  active: string;
}

export interface Layout {
  tabs: readonly TerminalTab[];
  /** Key of the tab in front. */
  front: string | null;
}

export const EMPTY_LAYOUT: Layout = { tabs: [], front: null };

let keys = 0;

function newTab(id: string): TerminalTab {
  keys += 1;
  return { key: `tab-${keys}`, direction: 'row', panes: [{ id, share: 1 }], active: id };
}

function equalShares(ids: readonly string[]): Pane[] {
  return ids.map((id) => ({ id, share: 1 / ids.length }));
}

export function frontTab(layout: Layout): TerminalTab | undefined {
  return layout.tabs.find((tab) => tab.key === layout.front);
}

export function tabOf(layout: Layout, id: string): TerminalTab | undefined {
  return layout.tabs.find((tab) => tab.panes.some((pane) => pane.id === id));
}

/** The terminal that has the keyboard when the panel has. */
export function activeTerminal(layout: Layout): string | null {
  return frontTab(layout)?.active ?? null;
}

function changeTab(layout: Layout, key: string, change: (tab: TerminalTab) => TerminalTab): Layout {
  return { ...layout, tabs: layout.tabs.map((tab) => (tab.key === key ? change(tab) : tab)) };
}

/** Brings the tab of a terminal to the front, and the keyboard to the terminal. */
export function activate(layout: Layout, id: string): Layout {
  const tab = tabOf(layout, id);
  if (!tab) return layout;
  return { ...changeTab(layout, tab.key, (old) => ({ ...old, active: id })), front: tab.key };
}

/** Takes a terminal away; what stood beside it takes its room, and the neighbour the front. */
export function remove(layout: Layout, id: string): Layout {
  const tab = tabOf(layout, id);
  if (!tab) return layout;
  const at = tab.panes.findIndex((pane) => pane.id === id);
  const panes = tab.panes.filter((pane) => pane.id !== id);
  if (panes.length > 0) {
    const rest = panes.reduce((sum, pane) => sum + pane.share, 0);
    const next = panes[Math.min(at, panes.length - 1)] ?? panes[0];
    return changeTab(layout, tab.key, (old) => ({
      ...old,
      panes: panes.map((pane) => ({ ...pane, share: pane.share / rest })),
      active: old.active === id && next ? next.id : old.active,
    }));
  }
  const index = layout.tabs.indexOf(tab);
  const tabs = layout.tabs.filter((other) => other !== tab);
  const neighbour = tabs[Math.min(index, tabs.length - 1)]?.key ?? null;
  return { tabs, front: layout.front === tab.key ? neighbour : layout.front };
}

/** Drops what is gone and gives what is new a tab of its own, in the order given. */
export function reconcile(layout: Layout, ids: readonly string[]): Layout {
  const wanted = new Set(ids);
  let next = layout;
  for (const { id } of layout.tabs.flatMap((tab) => tab.panes)) if (!wanted.has(id)) next = remove(next, id);
  const added = ids.filter((id) => !tabOf(next, id)).map(newTab);
  if (added.length > 0) next = { ...next, tabs: [...next.tabs, ...added] };
  return next.front === null ? { ...next, front: next.tabs.at(-1)?.key ?? null } : next;
}

export function maySplit(layout: Layout, beside: string): boolean {
  const tab = tabOf(layout, beside);
  return tab !== undefined && tab.panes.length < MOST_PANES;
}

/** Puts terminal `id`, wherever it was, right behind `beside` in the same tab. A tab has one direction: the last asked for. */
export function place(layout: Layout, id: string, beside: string, direction: Direction): Layout {
  if (id === beside || !maySplit(layout, beside)) return layout;
  const without = remove(layout, id);
  const tab = tabOf(without, beside);
  if (!tab) return layout;
  const ids = tab.panes.map((pane) => pane.id);
  ids.splice(ids.indexOf(beside) + 1, 0, id);
  return {
    ...changeTab(without, tab.key, (old) => ({ ...old, direction, panes: equalShares(ids), active: id })),
    front: tab.key,
  };
}

/** Gives a terminal of a split a tab of its own, behind the one it was in. */
export function separate(layout: Layout, id: string): Layout {
  const tab = tabOf(layout, id);
  if (!tab || tab.panes.length < 2) return layout;
  const own = newTab(id);
  const without = remove(layout, id);
  const at = without.tabs.findIndex((other) => other.key === tab.key) + 1;
  return { tabs: [...without.tabs.slice(0, at), own, ...without.tabs.slice(at)], front: own.key };
}

/** Side by side, or one above the other. */
export function turn(layout: Layout, key: string, direction: Direction): Layout {
  return changeTab(layout, key, (tab) => ({ ...tab, direction }));
}

export function resize(layout: Layout, key: string, shares: readonly number[]): Layout {
  return changeTab(layout, key, (tab) =>
    shares.length === tab.panes.length
      ? { ...tab, panes: tab.panes.map((pane, index) => ({ ...pane, share: shares[index] ?? pane.share })) }
      : tab,
  );
}

/** The tab `step` away, around the end. */
export function cycleTabs(layout: Layout, step: number): Layout {
  const index = layout.tabs.findIndex((tab) => tab.key === layout.front);
  const next = layout.tabs[(index + step + layout.tabs.length) % Math.max(1, layout.tabs.length)];
  return next ? { ...layout, front: next.key } : layout;
}

/** The keyboard goes to the pane `step` away in the tab in front, around the end. */
export function cyclePanes(layout: Layout, step: number): Layout {
  const tab = frontTab(layout);
  if (!tab) return layout;
  const index = tab.panes.findIndex((pane) => pane.id === tab.active);
  const next = tab.panes[(index + step + tab.panes.length) % tab.panes.length];
  return next ? activate(layout, next.id) : layout;
}

/** What is remembered between visits: no keys, which are of one visit. */
export interface StoredLayout {
  tabs: readonly { direction: Direction; panes: readonly Pane[]; active: string }[];
  /** Which of them was in front. */
  front: number;
}

export function toStored(layout: Layout): StoredLayout {
  return {
    tabs: layout.tabs.map(({ direction, panes, active }) => ({ direction, panes, active })),
    front: layout.tabs.findIndex((tab) => tab.key === layout.front),
  };
}

/** The arrangement of an earlier visit; what does not fit the invariants is left out. */
export function fromStored(stored: StoredLayout): Layout {
  const seen = new Set<string>();
  const fresh = ({ id, share }: Pane): boolean => {
    if (seen.has(id) || !(share > 0 && share <= 1)) return false;
    seen.add(id);
    return true;
  };
  const tabs: TerminalTab[] = [];
  let front: string | null = null;
  for (const [index, { direction, panes, active }] of stored.tabs.entries()) {
    const kept = panes.filter(fresh).slice(0, MOST_PANES);
    const first = kept[0];
    if (!first) continue;
    const sum = kept.reduce((total, pane) => total + pane.share, 0);
    const tab: TerminalTab = {
      ...newTab(first.id),
      direction,
      panes: kept.map((pane) => ({ ...pane, share: pane.share / sum })),
      active: kept.some((pane) => pane.id === active) ? active : first.id,
    };
    tabs.push(tab);
    if (index === stored.front) front = tab.key;
  }
  return { tabs, front: front ?? tabs.at(-1)?.key ?? null };
}

export function isStoredLayout(value: unknown): value is StoredLayout {
  return (
    isRecord(value) &&
    typeof value['front'] === 'number' &&
    Array.isArray(value['tabs']) &&
    value['tabs'].every(
      (tab: unknown) =>
        isRecord(tab) &&
        (tab['direction'] === 'row' || tab['direction'] === 'column') &&
        typeof tab['active'] === 'string' &&
        Array.isArray(tab['panes']) &&
        tab['panes'].every(
          (pane: unknown) =>
            isRecord(pane) && typeof pane['id'] === 'string' && typeof pane['share'] === 'number',
        ),
    )
  );
}
