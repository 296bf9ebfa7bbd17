/** Listens for the page's keys. */
'use client';

import { useEffect, useRef } from 'react';
import { isTyping, reviewCommand, type ReviewCommand } from './review-keys';

export function useReviewKeys(perform: (command: ReviewCommand) => void): void {
  const latest = useRef(perform);
  latest.current = perform;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const command = reviewCommand(event, isTyping(event.target));
      if (command === null) return;
      // A dialog asks something first; the page's keys wait.
      if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat || command.endsWith('_file') || command.endsWith('_comment')) latest.current(command);
    };
    window.addEventListener('keydown', onKeyDown, true);
    return () => window.removeEventListener('keydown', onKeyDown, true);
  }, []);
}
