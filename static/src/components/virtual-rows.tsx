/** Rows of one height, of which only those in sight are drawn: as many as one likes. */
'use client';

import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  type HTMLAttributes,
  type ReactNode,
} from 'react';

/** Drawn above and below what is in sight. */
const SPARE_ROWS = 12;

/** Taken for the height where there is none yet. */
const FIRST_HEIGHT_PX = 600;

interface VirtualRowsProps extends HTMLAttributes<HTMLDivElement> {
  count: number;
  rowPx: number;
  /** Kept in sight; -1 for none. */
  current: number;
  row: (index: number) => ReactNode;
}

export function VirtualRows({ count, rowPx, current, row, ...rest }: VirtualRowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(FIRST_HEIGHT_PX);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => setHeight(element.clientHeight || FIRST_HEIGHT_PX);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const onScroll = useCallback(() => setTop(box.current?.scrollTop ?? 0), []);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || current < 0) return;
    const start = current * rowPx;
    if (start < element.scrollTop) element.scrollTop = start;
    else if (start + rowPx > element.scrollTop + element.clientHeight && element.clientHeight > 0) {
      element.scrollTop = start + rowPx - element.clientHeight;
    }
  }, [current, rowPx]);

  const first = Math.max(0, Math.floor(top / rowPx) - SPARE_ROWS);
  const last = Math.min(count, Math.ceil((top + height) / rowPx) + SPARE_ROWS);
  const shown = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  return (
    <div {...rest} ref={box} onScroll={onScroll} style={{ overflowY: 'auto' }}>
      <div role="presentation" style={{ height: count * rowPx, position: 'relative' }}>
        <div role="presentation" style={{ position: 'absolute', insetInline: 0, top: first * rowPx }}>
          {shown.map(row)}
        </div>
      </div>
    </div>
  );
}
