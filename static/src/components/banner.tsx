/** A line across a panel that says something about its content and offers what to do. */
import type { ReactNode } from 'react';
import { cx } from '@/lib/cx';

type Tone = 'info' | 'warn' | 'danger';

const TONES: Record<Tone, string> = {
  info: 'border-l-info',
  warn: 'border-l-warn',
  danger: 'border-l-danger',
};

interface BannerProps {
  tone: Tone;
  children: ReactNode;
  actions?: ReactNode;
}

export function Banner({ tone, children, actions }: BannerProps) {
  return (
    <div
      role={tone === 'info' ? 'status' : 'alert'}
      className={cx(
        'flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-l-2 border-b-line bg-raised px-3 py-1.5',
        TONES[tone],
      )}
    >
      <div className="min-w-0 flex-1">{children}</div>
      {actions ? <div className="flex gap-1.5">{actions}</div> : null}
    </div>
  );
}
