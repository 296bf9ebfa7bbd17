/** Said over a workspace that is a round's run: nothing done in it stays. */
'use client';

import Link from 'next/link';
import { Banner } from '@/components/banner';
import { parseIdPath } from '@/lib/use-path-id';

/** The review whose run this is, if the address says so. Whoever leads here knows; the server has no word for it. */
function reviewOf(search: string): string | null {
  const parsed = parseIdPath('reviews', `/reviews/${new URLSearchParams(search).get('run') ?? ''}/`);
  return parsed.kind === 'id' ? parsed.id : null;
}

export function RunBanner() {
  const review = reviewOf(window.location.search);
  if (review === null) return null;
  return (
    <Banner
      tone="warn"
      actions={
        <Link href={`/reviews/${review}/`} className="text-accent underline">
          Back to the review
        </Link>
      }
    >
      This is a throw-away run of a review’s round. What you change here is gone when it ends, and never
      reaches the author.
    </Banner>
  );
}
