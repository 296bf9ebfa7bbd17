/** `/reviews/{id}/`: loading, not found, failed, or the review. */
'use client';

import Link from 'next/link';
import { useEffect, useState } from 'react';
import { ApiError, messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { Empty, Failure, Loading } from '@/components/states';
import { useUser } from '@/features/auth/auth-context';
import { displayName } from '@/lib/paths';
import { usePathId } from '@/lib/use-path-id';
import { ReviewShell } from './review-shell';
import { useReview, type Looking } from './use-review';

export function ReviewPage() {
  const address = usePathId('reviews');
  if (address.kind === 'unknown') return <Waiting />;
  if (address.kind === 'invalid') return <NotFound />;
  return <OpenedReview key={address.id} id={address.id} />;
}

function OpenedReview({ id }: { id: string }) {
  const user = useUser();
  const [looking, setLooking] = useState<Looking>({ round: null, from: 'previous' });
  const data = useReview(id, looking);
  const { review } = data;
  const newest = review.data?.round;
  const author = review.data?.author.id === user.id;
  useEffect(() => {
    if (newest === undefined || newest === 0) return;
    // What a reviewer is reading stays before them; the author knows that they have submitted another.
    setLooking((old) => (old.round === null || author ? { ...old, round: newest } : old));
  }, [newest, author]);
  const title = review.data?.title;
  useEffect(() => {
    if (title !== undefined) document.title = `${displayName(title)} · Carrel`;
  }, [title]);

  if (review.error instanceof ApiError && review.error.status === 404) return <NotFound />;
  if (review.isError && !review.data) {
    return (
      <main className="h-dvh">
        <Failure
          title="This review could not be opened"
          actions={
            <>
              <Button onClick={() => void review.refetch()}>Try again</Button>
              <ListLink />
            </>
          }
        >
          {messageOf(review.error)}
        </Failure>
      </main>
    );
  }
  if (!review.data) return <Waiting />;
  return (
    <ReviewShell
      review={review.data}
      data={data}
      user={user.id}
      looking={looking}
      onLook={(change) => setLooking((old) => ({ ...old, ...change }))}
    />
  );
}

function Waiting() {
  return (
    <main className="h-dvh">
      <Loading>Opening the review…</Loading>
    </main>
  );
}

function ListLink() {
  return (
    <Link
      href="/reviews/"
      className="inline-flex h-7 items-center rounded-md border border-line-strong bg-raised px-2.5 hover:bg-hover"
    >
      To the reviews
    </Link>
  );
}

function NotFound() {
  return (
    <main className="h-dvh">
      <Empty title="There is no such review" actions={<ListLink />}>
        It is not there, or it is not for you to see.
      </Empty>
    </main>
  );
}
