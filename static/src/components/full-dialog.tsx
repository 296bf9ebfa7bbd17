/** A dialog as large as the page, for work that needs room; Escape closes it unless something in it has a use for it. */
'use client';

import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { KeyboardEvent, ReactNode } from 'react';
import { IconButton } from './button';

interface FullDialogProps {
  onClose: () => void;
  title: string;
  /** Beside the title: what is shown, in a few words. */
  summary?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** Sees keys before anything in the dialog does. */
  onKeys?: (event: KeyboardEvent) => void;
}

/** An editor closes its own widgets with Escape. */
function hasUseForEscape(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.monaco-editor, [role="menu"]') !== null;
}

export function FullDialog({ onClose, title, summary, actions, children, onKeys }: FullDialogProps) {
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/50" />
        <Radix.Content
          aria-describedby={undefined}
          // Placed without a transform: what an editor fixes to the window must stay where it belongs.
          className="fixed inset-3 z-50 flex flex-col overflow-hidden rounded-xl border border-line-strong bg-panel shadow-pop outline-none"
          onKeyDownCapture={onKeys}
          onEscapeKeyDown={(event) => hasUseForEscape(event.target) && event.preventDefault()}
          // Notices lie outside and are no way out.
          onInteractOutside={(event) => event.preventDefault()}
        >
          <header className="flex min-h-11 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-bg py-1.5 pr-2 pl-4">
            <Radix.Title className="max-w-[50%] truncate text-sm font-semibold">{title}</Radix.Title>
            <div className="min-w-0 flex-1 truncate text-muted">{summary}</div>
            {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
            <Radix.Close asChild>
              <IconButton label="Close" className="size-7">
                <X />
              </IconButton>
            </Radix.Close>
          </header>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
