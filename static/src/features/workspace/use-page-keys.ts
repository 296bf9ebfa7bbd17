/** Listens for the page's own keys, before editor and terminal see them. */
'use client';

import { useEffect, useRef } from 'react';
import { useConfirm } from '@/components/confirm';
import { useCloseFile } from '@/features/editor/use-close-file';
import { pageCommand, type PageCommand } from './page-keys';
import { moveRegion } from './regions';
import { useWorkspace } from './workspace-context';

interface Commands {
  run: () => void;
  help: () => void;
  activity: () => void;
  extend: () => void;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input, textarea, select, [role="textbox"]'))
  );
}

export function usePageKeys(commands: Commands): void {
  const workspace = useWorkspace();
  const closeFile = useCloseFile(useConfirm());
  const latest = useRef(commands);
  latest.current = commands;

  useEffect(() => {
    const { files, terminals } = workspace;
    const inTerminal = (target: EventTarget | null): boolean =>
      target instanceof Element && target.closest('[data-testid="terminal"]') !== null;
    // Its tabs too: a click on one leaves the focus there until its screen is shown.
    const inTerminalPanel = (target: EventTarget | null): boolean =>
      target instanceof Element && target.closest('[data-panel-kind="terminal"]') !== null;

    const perform = (command: PageCommand, event: KeyboardEvent): void => {
      switch (command) {
        case 'save':
          return void files.active?.save();
        case 'run':
          return latest.current.run();
        case 'toggle_terminal':
          return inTerminal(event.target) ? workspace.focusEditor() : terminals.focusActive();
        case 'new_terminal':
          return void terminals.openFocused();
        case 'split_terminal':
          if (terminals.besideActive()) void terminals.openFocused(terminals.besideActive());
          return;
        case 'next_pane':
          return terminals.cycle('panes', 1);
        case 'previous_pane':
          return terminals.cycle('panes', -1);
        case 'close_tab': {
          const { active } = files.tabs.get();
          return void (active !== null && closeFile(active));
        }
        case 'next_tab':
          return inTerminalPanel(event.target) ? terminals.cycle('tabs', 1) : files.cycle(1);
        case 'previous_tab':
          return inTerminalPanel(event.target) ? terminals.cycle('tabs', -1) : files.cycle(-1);
        case 'next_region':
          return moveRegion(1);
        case 'previous_region':
          return moveRegion(-1);
        case 'find_in_files':
          return workspace.services.showSearch();
        case 'activity':
          return latest.current.activity();
        case 'history':
          return workspace.overlay.set({ kind: 'history', path: files.tabs.get().active ?? '' });
        case 'extend':
          return latest.current.extend();
        case 'help':
          return latest.current.help();
      }
    };

    const onKeyDown = (event: KeyboardEvent): void => {
      const command = pageCommand(event, inTerminal(event.target), isTyping(event.target));
      if (command === null) return;
      // A dialog asks something first; the page's keys wait.
      if (document.querySelector('[role="dialog"], [role="alertdialog"]')) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) perform(command, event);
    };
    window.addEventListener('keydown', onKeyDown, true);
    return () => window.removeEventListener('keydown', onKeyDown, true);
  }, [workspace, closeFile]);
}
