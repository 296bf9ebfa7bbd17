/** Modal dialogs: focus is kept inside and returned, Escape closes. */
'use client';

import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { cx } from '@/lib/cx';
import { IconButton } from './button';
import { isNotice } from './toasts';

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  wide?: boolean;
  /** The dialog asks something that must be answered by a button. */
  alert?: boolean;
  /** Closing it would break off what it does: only a button may. */
  busy?: boolean;
}

export function Dialog(props: DialogProps) {
  const { open, onClose, title, description, children, footer, wide, alert = false, busy = false } = props;
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/50 backdrop-blur-[1px]" />
        <Radix.Content
          {...(alert ? { role: 'alertdialog' } : {})}
          {...(description ? {} : { 'aria-describedby': undefined })}
          onInteractOutside={(event) => (alert || busy || isNotice(event.target)) && event.preventDefault()}
          onEscapeKeyDown={(event) => busy && event.preventDefault()}
          className={cx(
            'fixed top-[18vh] left-1/2 z-50 max-h-[70vh] w-[calc(100vw-2rem)] -translate-x-1/2 overflow-auto rounded-xl border border-line-strong bg-raised shadow-pop outline-none',
            wide ? 'max-w-2xl' : 'max-w-md',
          )}
        >
          <Radix.Title className="pt-4 pr-12 pl-5 text-[0.9375rem] leading-6 font-semibold">
            {title}
          </Radix.Title>
          {description ? (
            <Radix.Description asChild>
              <div className="px-5 pt-1 text-muted">{description}</div>
            </Radix.Description>
          ) : null}
          {children ? <div className="px-5 pt-4">{children}</div> : null}
          <div className="flex flex-wrap justify-end gap-2 px-5 pt-5 pb-4">{footer}</div>
          {/* Last in order, so that the focus begins at what the dialog is about. */}
          <Radix.Close asChild>
            <IconButton label="Close" className="absolute top-3.5 right-3.5">
              <X />
            </IconButton>
          </Radix.Close>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
