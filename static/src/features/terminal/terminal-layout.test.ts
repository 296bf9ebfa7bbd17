import { describe, expect, it } from 'vitest';
import {
  EMPTY_LAYOUT,
  MOST_PANES,
  activate,
  activeTerminal,
  cyclePanes,
  cycleTabs,
  fromStored,
  isStoredLayout,
  maySplit,
  place,
  reconcile,
  remove,
  resize,
  separate,
  tabOf,
  toStored,
  turn,
  type Layout,
} from './terminal-layout';

/** `a* b|c` is two tabs, the first in front, the second split side by side. */
function drawn(layout: Layout): string {
  return layout.tabs
    .map((tab) => {
      const panes = tab.panes.map((pane) => pane.id).join(tab.direction === 'row' ? '|' : '/');
      return tab.key === layout.front ? `${panes}*` : panes;
    })
    .join(' ');
}

function sound(layout: Layout): void {
  const ids = layout.tabs.flatMap((tab) => tab.panes.map((pane) => pane.id));
  expect(new Set(ids).size).toBe(ids.length);
  for (const tab of layout.tabs) {
    expect(tab.panes.reduce((sum, pane) => sum + pane.share, 0)).toBeCloseTo(1);
    expect(tab.panes.map((pane) => pane.id)).toContain(tab.active);
  }
  expect(layout.tabs.length === 0 ? null : layout.tabs.map((tab) => tab.key)).toEqual(
    layout.tabs.length === 0 ? layout.front : expect.arrayContaining([layout.front]),
  );
}

const three = (): Layout => activate(reconcile(EMPTY_LAYOUT, ['a', 'b', 'c']), 'a');

describe('the arrangement of terminals', () => {
  it('gives each new terminal a tab and brings the newest to the front when there was none', () => {
    expect(drawn(reconcile(EMPTY_LAYOUT, ['a', 'b']))).toBe('a b*');
    expect(drawn(reconcile(three(), ['a', 'b', 'c', 'd']))).toBe('a* b c d');
  });

  it('splits, turns, separates, and keeps the keyboard where it was put', () => {
    let layout = place(three(), 'c', 'a', 'row');
    expect(drawn(layout)).toBe('a|c* b');
    expect(activeTerminal(layout)).toBe('c');
    layout = turn(layout, tabOf(layout, 'a')?.key ?? '', 'column');
    expect(drawn(layout)).toBe('a/c* b');
    layout = separate(layout, 'a');
    expect(drawn(layout)).toBe('c a* b');
    sound(layout);
  });

  it('puts a new terminal right behind the one it was asked from', () => {
    let layout = place(three(), 'b', 'a', 'row');
    layout = place(reconcile(layout, ['a', 'b', 'c', 'd']), 'd', 'a', 'row');
    expect(drawn(layout)).toBe('a|d|b* c');
    sound(layout);
  });

  it('lets what is left take the room of what is closed', () => {
    let layout = place(place(three(), 'b', 'a', 'row'), 'c', 'b', 'row');
    layout = resize(layout, layout.front ?? '', [0.5, 0.25, 0.25]);
    layout = remove(layout, 'c');
    expect(layout.tabs[0]?.panes.map((pane) => pane.share)).toEqual([2 / 3, 1 / 3]);
    expect(activeTerminal(layout)).toBe('b');
    sound(layout);
    expect(drawn(remove(remove(layout, 'a'), 'b'))).toBe('');
  });

  it('brings the neighbour to the front when the tab in front closes', () => {
    expect(drawn(remove(activate(three(), 'b'), 'b'))).toBe('a c*');
    expect(drawn(remove(activate(three(), 'c'), 'c'))).toBe('a b*');
  });

  it('goes around tabs and panes', () => {
    expect(drawn(cycleTabs(three(), -1))).toBe('a b c*');
    const split = place(three(), 'b', 'a', 'row');
    expect(activeTerminal(cyclePanes(split, 1))).toBe('a');
    expect(cycleTabs(EMPTY_LAYOUT, 1)).toBe(EMPTY_LAYOUT);
  });

  it('has room for a few only', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    let layout = reconcile(EMPTY_LAYOUT, ids);
    for (const id of ids.slice(1, MOST_PANES)) layout = place(layout, id, 'a', 'row');
    expect(maySplit(layout, 'a')).toBe(false);
    expect(place(layout, 'e', 'a', 'row')).toBe(layout);
  });

  it('comes back as it was, without what is gone', () => {
    const layout = place(three(), 'b', 'a', 'column');
    const stored: unknown = JSON.parse(JSON.stringify(toStored(layout)));
    if (!isStoredLayout(stored)) throw new Error('what is stored is not recognised');
    const again = fromStored(stored);
    expect(drawn(again)).toBe('a/b* c');
    expect(drawn(reconcile(again, ['b', 'c', 'd']))).toBe('b* c d');
    sound(again);
  });

  it('takes nothing from storage that breaks it', () => {
    const pane = (id: string, share: number) => ({ id, share });
    const layout = fromStored({
      tabs: [
        { direction: 'row', panes: [pane('a', 9)], active: 'a' },
        { direction: 'row', panes: [pane('b', 0.2), pane('b', 0.2)], active: 'x' },
        { direction: 'row', panes: [], active: 'x' },
      ],
      front: 7,
    });
    sound(layout);
    expect(drawn(layout)).toBe('b*');
    for (const nonsense of [null, [], { tabs: 1, front: 0 }, { tabs: [{}], front: 0 }])
      expect(isStoredLayout(nonsense)).toBe(false);
  });
});
