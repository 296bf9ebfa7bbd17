/** What a place shows when it has nothing to show: waiting, empty, or failed. */
import { CircleAlert, LoaderCircle } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from '@/lib/cx';

export function Spinner({ className }: { className?: string }) {
  return <LoaderCircle aria-hidden className={cx('size-4 animate-spin text-faint', className)} />;
}

export function Loading({ children = 'Loading…' }: { children?: ReactNode }) {
  return (
    <div role="status" className="flex h-full min-h-24 items-center justify-center gap-2 p-6 text-muted">
      <Spinner />
      <span>{children}</span>
    </div>
  );
}

interface MessageProps {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}

export function Empty({ icon, title, children, actions }: MessageProps) {
  return (
    <div className="flex h-full min-h-24 flex-col items-center justify-center gap-2 p-6 text-center">
      {icon ? <div className="text-faint [&_svg]:size-7">{icon}</div> : null}
      <p className="text-sm font-medium">{title}</p>
      {children ? <div className="max-w-md text-muted">{children}</div> : null}
      {actions ? <div className="mt-2 flex flex-wrap justify-center gap-2">{actions}</div> : null}
    </div>
  );
}

export function Failure({ title, children, actions }: Omit<MessageProps, 'icon'>) {
  return (
    <div
      role="alert"
      className="flex h-full min-h-24 flex-col items-center justify-center gap-2 p-6 text-center"
    >
      <CircleAlert aria-hidden className="size-7 text-danger" />
      <p className="text-sm font-medium">{title}</p>
      {children ? <div className="max-w-md text-muted">{children}</div> : null}
      {actions ? <div className="mt-2 flex flex-wrap justify-center gap-2">{actions}</div> : null}
    </div>
  );
}
