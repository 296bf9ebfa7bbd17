/** Any other address. */
import Link from 'next/link';
import { Empty } from '@/components/states';
import { Logo } from '@/features/shell/logo';

export default function NotFound() {
  return (
    <main className="h-dvh">
      <Empty
        icon={<Logo className="size-11" />}
        title="There is nothing here"
        actions={
          <Link
            href="/"
            className="inline-flex h-8 items-center rounded-md bg-accent-solid px-3 font-medium text-on-accent"
          >
            To your sessions
          </Link>
        }
      >
        This address does not exist, or what it showed belongs to somebody else.
      </Empty>
    </main>
  );
}
