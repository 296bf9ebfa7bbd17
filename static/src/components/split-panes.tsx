/**
 * Panes that share a place, side by side or stacked, with lines between them to drag or to move by arrow keys.
 *
 * Panes are placed by style alone (`paneStyle`): they may move between splits without being made anew, which something
 * like a terminal's screen could not bear.
 */
'use client';

import type { CSSProperties, KeyboardEvent, PointerEvent } from 'react';
import { cx } from '@/lib/cx';

export type SplitDirection = 'row' | 'column';

/** No pane gets smaller than this part of its split. */
export const LEAST_SHARE = 0.12;

/** What one press of an arrow key moves. */
const STEP = 0.02;

function before(shares: readonly number[], index: number): number {
  return shares.slice(0, index).reduce((sum, share) => sum + share, 0);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(4)}%`;
}

/** Where pane `index` lies in a positioned parent. */
export function paneStyle(
  direction: SplitDirection,
  shares: readonly number[],
  index: number,
): CSSProperties {
  const start = percent(before(shares, index));
  const length = percent(shares[index] ?? 1);
  return direction === 'row'
    ? { left: start, width: length, top: 0, height: '100%' }
    : { top: start, height: length, left: 0, width: '100%' };
}

/** The shares after the line in front of pane `index` has moved by `by`; the panes beside it give and take. */
export function moveLine(shares: readonly number[], index: number, by: number): number[] {
  const a = shares[index - 1] ?? 0;
  const b = shares[index] ?? 0;
  const least = Math.min(LEAST_SHARE, (a + b) / 2);
  const moved = Math.min(a + b - least, Math.max(least, a + by));
  return shares.map((share, at) => (at === index - 1 ? moved : at === index ? a + b - moved : share));
}

interface SplittersProps {
  direction: SplitDirection;
  shares: readonly number[];
  label: string;
  onResize: (shares: number[]) => void;
}

/** The lines between the panes, in the same positioned parent. */
export function Splitters({ direction, shares, label, onResize }: SplittersProps) {
  const row = direction === 'row';

  const drag = (event: PointerEvent<HTMLElement>, index: number): void => {
    const { currentTarget: line, pointerId } = event;
    const room = line.parentElement?.getBoundingClientRect();
    if (event.button !== 0 || !room) return;
    event.preventDefault();
    line.focus();
    line.setPointerCapture(pointerId);
    const from = row ? event.clientX : event.clientY;
    const move = (now: globalThis.PointerEvent): void => {
      const by = ((row ? now.clientX : now.clientY) - from) / (row ? room.width : room.height);
      onResize(moveLine(shares, index, by));
    };
    const stop = (): void => {
      line.removeEventListener('pointermove', move);
      line.removeEventListener('lostpointercapture', stop);
    };
    line.addEventListener('pointermove', move);
    line.addEventListener('lostpointercapture', stop);
  };

  const onKeyDown = (event: KeyboardEvent, index: number): void => {
    const back = row ? 'ArrowLeft' : 'ArrowUp';
    const on = row ? 'ArrowRight' : 'ArrowDown';
    if (event.key === back) onResize(moveLine(shares, index, -STEP));
    else if (event.key === on) onResize(moveLine(shares, index, STEP));
    else if (event.key === 'Home') onResize(moveLine(shares, index, -1));
    else if (event.key === 'End') onResize(moveLine(shares, index, 1));
    else if (event.key === 'Enter') onResize(shares.map(() => 1 / shares.length));
    else return;
    event.preventDefault();
  };

  return shares.slice(1).map((share, at) => {
    const index = at + 1;
    const pair = share + (shares[at] ?? 0);
    return (
      <div
        key={index}
        role="separator"
        tabIndex={0}
        aria-label={label}
        aria-orientation={row ? 'vertical' : 'horizontal'}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(((shares[at] ?? 0) / pair) * 100)}
        onPointerDown={(event) => drag(event, index)}
        onKeyDown={(event) => onKeyDown(event, index)}
        onDoubleClick={() => onResize(shares.map(() => 1 / shares.length))}
        style={{ [row ? 'left' : 'top']: percent(before(shares, index)) }}
        className={cx(
          'splitter absolute! z-10 touch-none after:absolute',
          row
            ? 'inset-y-0 w-px cursor-col-resize after:inset-y-0 after:-inset-x-1'
            : 'inset-x-0 h-px cursor-row-resize after:inset-x-0 after:-inset-y-1',
        )}
      />
    );
  });
}
