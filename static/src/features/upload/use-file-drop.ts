/** Files dragged in from outside of the page: over which folder they are, and what is dropped. */
'use client';

import { useCallback, useEffect, useRef, useState, type DragEvent } from 'react';
import { entriesOf, type DroppedEntry } from './collect';

/** How long something is held over a folder until it opens. */
const SPRING_MS = 600;

interface Options {
  /** The folder at a place of the page. */
  folderAt: (target: EventTarget) => string;
  onSpring?: (folder: string) => void;
  onDrop: (entries: DroppedEntry[], folder: string) => void;
}

export interface FileDrop {
  /** The folder they are held over; `null` when nothing is. */
  over: string | null;
  /** For the element that takes them. In the capturing phase: rows below have handlers of their own, for rows. */
  props: {
    onDragOverCapture: (event: DragEvent) => void;
    onDragLeaveCapture: (event: DragEvent) => void;
    onDropCapture: (event: DragEvent) => void;
  };
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer.types.includes('Files');
}

export function useFileDrop({ folderAt, onSpring, onDrop }: Options): FileDrop {
  const [over, setOver] = useState<string | null>(null);
  const spring = useRef(onSpring);
  spring.current = onSpring;

  useEffect(() => {
    if (over === null) return;
    const timer = setTimeout(() => spring.current?.(over), SPRING_MS);
    return () => clearTimeout(timer);
  }, [over]);

  const onDragOverCapture = useCallback(
    (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = 'copy';
      setOver(folderAt(event.target));
    },
    [folderAt],
  );
  const onDragLeaveCapture = useCallback((event: DragEvent): void => {
    const { currentTarget, relatedTarget } = event;
    if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) setOver(null);
  }, []);
  const onDropCapture = useCallback(
    (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      setOver(null);
      onDrop(entriesOf(event.dataTransfer), folderAt(event.target));
    },
    [folderAt, onDrop],
  );
  return { over, props: { onDragOverCapture, onDragLeaveCapture, onDropCapture } };
}

/** Files dropped anywhere else do nothing; the browser would leave the page to show them. */
export function useNoStrayDrops(): void {
  useEffect(() => {
    const onDrag = (event: globalThis.DragEvent): void => {
      if (event.defaultPrevented || !event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'none';
    };
    window.addEventListener('dragover', onDrag);
    window.addEventListener('drop', onDrag);
    return () => {
      window.removeEventListener('dragover', onDrag);
      window.removeEventListener('drop', onDrag);
    };
  }, []);
}
