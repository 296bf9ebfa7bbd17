/** What a review is about: its description, its rounds, and what was said of all of it or stands on no line any more. */
'use client';

import { useMemo } from 'react';
import { Button } from '@/components/button';
import { Markdown } from '@/components/markdown';
import { formatAgo, formatBytes, formatTime } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import type { ListedFile } from './changed-files';
import { keyOf, type Composed } from './composed';
import { Composer } from './composer';
import { ThreadStack } from './file-panel';
import { linesWords } from './lines';
import { isOfFile, placeNew, type Shown } from './placing';
import { useReviewPage } from './review-context';
import { KIND_WORDS, THREAD_STATE_WORDS, count } from './review-words';
import { isDiscussed } from './thread-rules';

export function Overview() {
  const { review } = useReviewPage();
  return (
    <div className="h-full overflow-auto">
      <div className="mx-auto flex max-w-4xl flex-col gap-6 px-6 py-6">
        <section aria-label="Description" className="rounded-xl border bg-panel px-4 py-3">
          {review.description === '' ? (
            <p className="text-muted">Nothing is said of it.</p>
          ) : (
            <Markdown text={review.description} />
          )}
          {review.topics.length > 0 ? (
            <p className="mt-3 flex flex-wrap gap-1.5">
              {review.topics.map((topic) => (
                <span key={topic} className="rounded-full bg-hover px-2 text-xs">
                  {displayName(topic)}
                </span>
              ))}
            </p>
          ) : null}
        </section>
        <Rounds />
        <Discussion />
        <OtherThreads />
      </div>
    </div>
  );
}

function Rounds() {
  const { rounds } = useReviewPage();
  if (rounds.length === 0) {
    return <p className="text-muted">Nothing has been submitted yet: only its author sees this draft.</p>;
  }
  return (
    <section aria-label="Rounds">
      <h2 className="mb-2 text-sm font-semibold">{count(rounds.length, 'round')}</h2>
      <ol className="divide-y divide-line rounded-xl border bg-panel">
        {rounds.map((round) => (
          <li key={round.number} className="flex flex-wrap items-baseline gap-x-3 px-4 py-2">
            <span className="font-medium">Round {round.number}</span>
            <span className="min-w-0 flex-1 whitespace-pre-wrap text-muted">
              {round.note.split('\n').map(displayName).join('\n')}
            </span>
            <span className="text-xs text-faint" title={`SHA-256 of its manifest: ${round.hash}`}>
              {count(round.items, 'item')}, {formatBytes(round.bytes)}
            </span>
            <time
              dateTime={round.submitted_at}
              title={formatTime(round.submitted_at)}
              className="text-xs text-faint"
            >
              {formatAgo(round.submitted_at)}
            </time>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What is on all of the review. */
function Discussion() {
  const { review, placed, composed } = useReviewPage();
  const entries = useStore(composed.entries);
  const threads = placed.filter((one) => one.placed.on === 'review').map(({ thread }) => thread);
  const written = [...entries.values()].filter(
    ({ target }) => target.kind === 'new' && target.place.path === null,
  );
  const discussed = isDiscussed(review);
  if (review.round === 0) return null;
  return (
    <section aria-label="On all of it" className="flex flex-col gap-2">
      <h2 className="text-sm font-semibold">On all of it</h2>
      <ThreadStack threads={threads} written={written} />
      {threads.length === 0 && written.length === 0 && !discussed ? (
        <p className="text-muted">Nothing was said.</p>
      ) : null}
      {discussed && written.length === 0 ? (
        <div>
          <Button
            onClick={() =>
              composed.open({
                kind: 'new',
                place: { round: review.round, side: 'new', path: null, lines: null },
              })
            }
          >
            Comment on all of it
          </Button>
        </div>
      ) : null}
    </section>
  );
}

/** All that was said of files, as a list to go through; and what was begun on a text that is not shown. */
function OtherThreads() {
  const { placed, files, composed, showThread, shown } = useReviewPage();
  const entries = useStore(composed.entries);
  const elsewhere = useMemo(
    () => [...entries.values()].filter((entry) => isElsewhere(entry, files, shown)),
    [entries, files, shown],
  );
  const onFiles = placed.filter((one) => one.placed.on !== 'review');
  if (onFiles.length === 0 && elsewhere.length === 0) return null;
  const order = new Map(files.map(({ path }, index) => [path, index]));
  const sorted = [...onFiles].sort(
    (a, b) => (order.get(a.thread.path ?? '') ?? 0) - (order.get(b.thread.path ?? '') ?? 0),
  );
  return (
    <section aria-label="On files" className="flex flex-col gap-2">
      <h2 className="text-sm font-semibold">On files</h2>
      <ul className="divide-y divide-line rounded-xl border bg-panel">
        {sorted.map(({ thread }) => (
          <li key={thread.id}>
            <button
              type="button"
              onClick={() => showThread(thread.id)}
              className="flex w-full items-baseline gap-3 px-4 py-1.5 text-left hover:bg-hover"
            >
              <span className="w-32 shrink-0 text-xs text-muted">
                {KIND_WORDS[thread.kind]},{' '}
                {thread.draft ? 'draft' : THREAD_STATE_WORDS[thread.state].toLowerCase()}
              </span>
              <span className="shrink-0 font-mono text-xs">
                {displayName(thread.at.path ?? thread.path ?? '')}
                {thread.at.lines ? `:${thread.at.lines.start}` : ''}
              </span>
              <span className="min-w-0 flex-1 truncate">{displayName(thread.comments[0]?.text ?? '')}</span>
              {thread.at.outdated ? <span className="text-xs text-warn">outdated</span> : null}
            </button>
          </li>
        ))}
      </ul>
      {elsewhere.length > 0 ? (
        <>
          <h3 className="text-xs font-semibold text-warn">
            Begun on files that are not listed, and not sent
          </h3>
          {elsewhere.map((entry) => (
            <Elsewhere key={keyOf(entry.target)} entry={entry} />
          ))}
        </>
      ) : null}
    </section>
  );
}

/** It stands on no file that is listed: with those it is shown. */
function isElsewhere({ target }: Composed, files: readonly ListedFile[], shown: Shown | null): boolean {
  if (target.kind !== 'new' || target.place.path === null) return false;
  const placed = shown ? placeNew(target.place, shown) : null;
  return placed === null || !files.some((file) => isOfFile(placed, file));
}

function Elsewhere({ entry: { target } }: { entry: Composed }) {
  if (target.kind !== 'new') return null;
  const { place } = target;
  return (
    <div className="flex flex-col gap-1">
      <span className="font-mono text-xs text-muted">
        {displayName(place.path ?? '')}
        {place.lines ? `, ${linesWords(place.lines)}` : ''} of round {place.round}
      </span>
      <Composer target={target} editable={place.side === 'new' && place.lines ? place : null} />
    </div>
  );
}
