/** Buttons: one look for actions with words, one for icons. */
import type { ComponentProps, ReactNode } from 'react';
import { cx } from '@/lib/cx';

type Variant = 'primary' | 'secondary' | 'ghost' | 'danger';

const VARIANTS: Record<Variant, string> = {
  primary: 'bg-accent-solid text-on-accent hover:bg-accent-solid-hover font-medium shadow-xs',
  secondary: 'bg-raised text-fg border border-line-strong hover:bg-hover shadow-xs',
  ghost: 'text-muted hover:bg-hover hover:text-fg',
  danger: 'bg-danger-solid text-white hover:brightness-110 font-medium shadow-xs',
};

export interface ButtonProps extends ComponentProps<'button'> {
  variant?: Variant;
  size?: 'sm' | 'md';
  /** Shows that the action is under way, and keeps it from being asked for twice. */
  busy?: boolean;
}

export function Button({
  variant = 'secondary',
  size = 'sm',
  busy = false,
  className,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      disabled={rest.disabled || busy}
      className={cx(
        'inline-flex items-center justify-center gap-1.5 rounded-md whitespace-nowrap transition-colors select-none disabled:opacity-60',
        size === 'sm' ? 'h-7 px-2.5 text-[0.8125rem]' : 'h-9 px-3.5 text-sm',
        VARIANTS[variant],
        className,
      )}
    />
  );
}

export interface IconButtonProps extends Omit<ComponentProps<'button'>, 'children'> {
  /** Spoken and shown on hover. */
  label: string;
  children: ReactNode;
}

export function IconButton({ label, className, children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={cx(
        'inline-flex size-6 shrink-0 items-center justify-center rounded text-muted transition-colors hover:bg-hover hover:text-fg disabled:opacity-50 [&_svg]:size-4',
        className,
      )}
    >
      {children}
    </button>
  );
}
