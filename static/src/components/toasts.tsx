/** Short notices in a corner, announced politely, gone by themselves unless they report a failure. */
'use client';

import { CircleAlert, CircleCheck, Info, TriangleAlert, X } from 'lucide-react';
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from 'react';
import { Button, IconButton } from './button';

export type Tone = 'info' | 'ok' | 'warn' | 'danger';

/** Long enough to read two lines. */
export const TOAST_MS = 6_000;

/** Failures stay longer: they tend to come when one looks elsewhere. So does what can be undone from here. */
export const TOAST_FAILURE_MS = 15_000;

/** More at once would cover the page. */
const MOST_TOASTS = 4;

interface Toast {
  id: number;
  tone: Tone;
  text: string;
  action?: ToastAction | undefined;
}

/** Something to do about what a notice says. */
export interface ToastAction {
  label: string;
  run: () => void;
}

type Show = (text: string, tone?: Tone, action?: ToastAction) => void;

const ToastContext = createContext<Show>(() => undefined);

/** Whether something is part of a notice: notices lie over dialogs, and are no way out of them. */
export function isNotice(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[data-notices]') !== null;
}

/** A dialog keeps the keyboard to itself, so that nothing in a notice can be reached meanwhile. */
function isDialogOpen(): boolean {
  return document.querySelector('[role="dialog"], [role="alertdialog"]') !== null;
}

/** Shows a notice. */
export function useToast(): Show {
  return useContext(ToastContext);
}

const ICONS: Record<Tone, ReactNode> = {
  info: <Info aria-hidden className="mt-0.5 size-4 shrink-0 text-info" />,
  ok: <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" />,
  warn: <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />,
  danger: <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />,
};

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const nextId = useRef(1);
  const timers = useRef(new Set<ReturnType<typeof setTimeout>>());

  useEffect(() => {
    const all = timers.current;
    return () => all.forEach(clearTimeout);
  }, []);

  const dismiss = useCallback((id: number) => setToasts((old) => old.filter((toast) => toast.id !== id)), []);

  const show = useCallback<Show>(
    (text, tone = 'info', action) => {
      const id = nextId.current++;
      // The same words twice say no more than once.
      setToasts((old) =>
        [...old.filter((t) => t.text !== text), { id, tone, text, action }].slice(-MOST_TOASTS),
      );
      const stays = tone === 'danger' || tone === 'warn' || action !== undefined;
      const time = stays ? TOAST_FAILURE_MS : TOAST_MS;
      const later = (): void => {
        const timer = setTimeout(() => {
          timers.current.delete(timer);
          // What can be done about it waits until it can be done.
          if (action !== undefined && isDialogOpen()) later();
          else dismiss(id);
        }, time);
        timers.current.add(timer);
      };
      later();
    },
    [dismiss],
  );

  const region = useMemo(
    () => (
      <div
        role="log"
        aria-live="polite"
        aria-label="Notices"
        data-notices
        // A dialog takes the pointer from all of the page but itself.
        className="pointer-events-auto fixed right-4 bottom-9 z-[60] flex w-80 flex-col gap-2"
      >
        {toasts.map((toast) => (
          <div
            key={toast.id}
            className="flex items-start gap-2 rounded-lg border border-line-strong bg-raised py-2 pr-1.5 pl-3 shadow-pop"
          >
            {ICONS[toast.tone]}
            <p className="min-w-0 flex-1 py-0.5 break-words">{toast.text}</p>
            {toast.action ? (
              <Button
                onClick={() => {
                  dismiss(toast.id);
                  toast.action?.run();
                }}
              >
                {toast.action.label}
              </Button>
            ) : null}
            <IconButton label="Dismiss" onClick={() => dismiss(toast.id)}>
              <X />
            </IconButton>
          </div>
        ))}
      </div>
    ),
    [toasts, dismiss],
  );

  return (
    <ToastContext value={show}>
      {children}
      {region}
    </ToastContext>
  );
}
