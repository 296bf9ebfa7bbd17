/** Menus that open from a button or from a right click, with the same rows. */
'use client';

import { ContextMenu as RadixContext, DropdownMenu as RadixDropdown } from 'radix-ui';
import { useRef, type ReactNode } from 'react';
import { cx } from '@/lib/cx';

export interface MenuAction {
  label: string;
  icon?: ReactNode;
  /** Keys that do the same. */
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
}

export type MenuEntry = MenuAction | 'line';

const CONTENT =
  'z-50 min-w-48 rounded-lg border border-line-strong bg-raised p-1 shadow-pop outline-none data-[state=open]:animate-none';
const ROW =
  'flex h-7 items-center gap-2 rounded px-2 outline-none select-none data-[disabled]:opacity-50 data-[highlighted]:bg-hover [&_svg]:size-3.5 [&_svg]:text-faint';
const LINE = 'my-1 h-px bg-line';

function Row({ entry }: { entry: MenuAction }) {
  return (
    <>
      {entry.icon}
      <span className="flex-1">{entry.label}</span>
      {entry.keys ? <span className="pl-6 text-2xs text-faint">{entry.keys}</span> : null}
    </>
  );
}

interface DropdownProps {
  trigger: ReactNode;
  header?: ReactNode;
  entries: readonly MenuEntry[];
  align?: 'start' | 'end';
  /** After an action the focus may belong elsewhere than on the trigger. */
  keepFocus?: boolean;
}

export function Dropdown({ trigger, header, entries, align = 'end', keepFocus }: DropdownProps) {
  const chosen = useRef(false);
  return (
    <RadixDropdown.Root>
      <RadixDropdown.Trigger asChild>{trigger}</RadixDropdown.Trigger>
      <RadixDropdown.Portal>
        <RadixDropdown.Content
          align={align}
          sideOffset={4}
          className={CONTENT}
          onCloseAutoFocus={(event) => {
            // Escape goes back to the trigger all the same.
            if (keepFocus && chosen.current) event.preventDefault();
            chosen.current = false;
          }}
        >
          {header ? (
            <RadixDropdown.Label className="border-b border-line px-2 pt-1 pb-2 text-muted">
              {header}
            </RadixDropdown.Label>
          ) : null}
          {entries.map((entry, index) =>
            entry === 'line' ? (
              <RadixDropdown.Separator key={index} className={LINE} />
            ) : (
              <RadixDropdown.Item
                key={entry.label}
                disabled={entry.disabled ?? false}
                onSelect={() => {
                  chosen.current = true;
                  entry.onSelect();
                }}
                className={cx(ROW, entry.danger && 'text-danger')}
              >
                <Row entry={entry} />
              </RadixDropdown.Item>
            ),
          )}
        </RadixDropdown.Content>
      </RadixDropdown.Portal>
    </RadixDropdown.Root>
  );
}

interface ContextProps {
  children: ReactNode;
  entries: readonly MenuEntry[];
  /** After an action the focus may belong elsewhere than on what was clicked. */
  keepFocus?: boolean;
}

export function ContextMenu({ children, entries, keepFocus }: ContextProps) {
  return (
    <RadixContext.Root>
      <RadixContext.Trigger asChild>{children}</RadixContext.Trigger>
      <RadixContext.Portal>
        <RadixContext.Content
          className={CONTENT}
          onCloseAutoFocus={(event) => keepFocus && event.preventDefault()}
        >
          {entries.map((entry, index) =>
            entry === 'line' ? (
              <RadixContext.Separator key={index} className={LINE} />
            ) : (
              <RadixContext.Item
                key={entry.label}
                disabled={entry.disabled ?? false}
                onSelect={entry.onSelect}
                className={cx(ROW, entry.danger && 'text-danger')}
              >
                <Row entry={entry} />
              </RadixContext.Item>
            ),
          )}
        </RadixContext.Content>
      </RadixContext.Portal>
    </RadixContext.Root>
  );
}
