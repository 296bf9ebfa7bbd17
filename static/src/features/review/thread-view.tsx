/** A thread: what it is about, where it stands, what was said, and what one may do to it. */
'use client';

import { ChevronRight, CircleCheck, CircleDot, CircleHelp, Heart, Info, Lightbulb } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { settleThread } from '@/api/reading';
import type { Thread, ThreadKind } from '@/api/types';
import { Button } from '@/components/button';
import { cx } from '@/lib/cx';
import { useStore } from '@/lib/store';
import { CommentView } from './comment-view';
import { keyOf, type Target } from './composed';
import { Composer } from './composer';
import { linesWords } from './lines';
import type { Place } from './placing';
import { useReviewPage } from './review-context';
import { KIND_WORDS, THREAD_ACTION_WORDS, THREAD_STATE_WORDS, count } from './review-words';
import { canSuggest, isDiscussed, threadActions } from './thread-rules';
import { useAttempt } from './use-attempt';
import { useOriginalLines } from './use-original-lines';

const ICONS: Record<ThreadKind, ReactNode> = {
  general: <Info aria-hidden />,
  suggestion: <Lightbulb aria-hidden />,
  issue: <CircleDot aria-hidden />,
  question: <CircleHelp aria-hidden />,
  praise: <Heart aria-hidden />,
};

interface ThreadViewProps {
  thread: Thread;
  /** Its lines are not beside it: they are said, and shown when they are not what they were. */
  apart?: boolean;
}

export function ThreadView({ thread, apart = false }: ThreadViewProps) {
  const { focused } = useReviewPage();
  const element = useRef<HTMLElement>(null);
  const settled = thread.state !== 'open';
  const [open, setOpen] = useState(!settled || thread.blocking);
  const isFocused = focused?.thread === thread.id;

  useEffect(() => {
    if (!isFocused) return;
    setOpen(true);
    const { current } = element;
    // Between lines the editor scrolls: the browser would move its inside out of place.
    if (!current?.closest('[data-thread-zone]')) current?.scrollIntoView({ block: 'nearest' });
    current?.focus({ preventScroll: true });
  }, [isFocused, focused?.count]);

  return (
    <section
      ref={element}
      tabIndex={-1}
      aria-label={`${KIND_WORDS[thread.kind]}, ${THREAD_STATE_WORDS[thread.state].toLowerCase()}`}
      data-thread={thread.id}
      data-thread-state={thread.state}
      className={cx(
        'rounded-lg border bg-raised outline-none',
        thread.blocking ? 'border-l-2 border-l-danger' : settled ? 'border-l-2 border-l-ok' : '',
        isFocused ? 'border-accent' : 'border-line-strong',
      )}
    >
      <ThreadHead thread={thread} open={open} onOpen={setOpen} apart={apart} />
      {open ? <ThreadBody thread={thread} apart={apart} /> : null}
    </section>
  );
}

interface HeadProps {
  thread: Thread;
  open: boolean;
  onOpen: (open: boolean) => void;
  apart: boolean;
}

function ThreadHead({ thread, open, onOpen, apart }: HeadProps) {
  const { review, user } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const { written, at } = thread;
  return (
    <header className="flex flex-wrap items-center gap-x-2 gap-y-1 px-1.5 py-1 text-xs">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => onOpen(!open)}
        className={cx(
          'flex items-center gap-1 rounded px-1 font-medium [&_svg]:size-3.5',
          thread.kind === 'issue' ? 'text-danger' : 'text-fg',
        )}
      >
        <ChevronRight aria-hidden className={cx('text-faint', open && 'rotate-90')} />
        {ICONS[thread.kind]}
        {KIND_WORDS[thread.kind]}
      </button>
      {thread.draft ? (
        <span className="text-warn">Not published</span>
      ) : (
        <span
          className={cx(
            'flex items-center gap-1 [&_svg]:size-3.5',
            thread.state === 'open' ? 'text-muted' : 'text-ok',
          )}
        >
          {thread.state === 'open' ? null : <CircleCheck aria-hidden />}
          {THREAD_STATE_WORDS[thread.state]}
        </span>
      )}
      {apart && written.lines ? (
        <span className="text-muted">
          {at.outdated || !at.lines
            ? `${linesWords(written.lines)} of round ${written.round}`
            : linesWords(at.lines)}
        </span>
      ) : null}
      {at.outdated ? (
        <span className="rounded-full border border-warn px-1.5 text-2xs text-warn">
          Outdated: written on round {written.round}, changed since
        </span>
      ) : null}
      {open ? null : <span className="text-faint">{count(thread.comments.length, 'comment')}</span>}
      <span className="flex-1" />
      {threadActions(thread, review, user).map((action) => (
        <Button
          key={action}
          variant={action === 'reopen' ? 'ghost' : 'secondary'}
          className="h-6!"
          busy={busy}
          onClick={() => void attempt(() => settleThread(review.id, thread.id, action))}
        >
          {THREAD_ACTION_WORDS[action]}
        </Button>
      ))}
    </header>
  );
}

function ThreadBody({ thread, apart }: { thread: Thread; apart: boolean }) {
  const { review, composed } = useReviewPage();
  const { written, path } = thread;
  const place: Place = {
    round: written.round,
    side: written.side,
    path: path ?? null,
    lines: written.lines ?? null,
  };
  const suggested = thread.comments.some(({ suggestion }) => suggestion != null);
  const wanted = suggested || (apart && thread.at.outdated);
  const original = useOriginalLines(wanted ? place : null);
  const target: Target = { kind: 'reply', thread: thread.id };
  const answering = useStore(composed.entries).has(keyOf(target));
  const editable = canSuggest(thread);
  return (
    <div className="border-t">
      {apart && thread.at.outdated && original !== null ? <OriginalLines text={original} /> : null}
      <div className="divide-y divide-line">
        {thread.comments.map((comment) => (
          <CommentView
            key={comment.id}
            thread={thread}
            comment={comment}
            place={place}
            original={original}
            editable={editable}
          />
        ))}
      </div>
      {isDiscussed(review) ? (
        <div className="px-2.5 pb-2">
          {answering ? (
            <Composer target={target} editable={editable ? place : null} />
          ) : (
            <Button variant="ghost" className="h-6! px-1.5" onClick={() => composed.open(target)}>
              Answer
            </Button>
          )}
        </div>
      ) : null}
    </div>
  );
}

/** What stood there when it was written. */
function OriginalLines({ text }: { text: string }) {
  return (
    <figure className="border-b px-2.5 py-2">
      <figcaption className="text-2xs text-faint">What stood there</figcaption>
      <pre
        tabIndex={0}
        className="max-h-40 overflow-auto rounded bg-sunken px-2 py-1 font-mono text-xs leading-5"
      >
        {text}
      </pre>
    </figure>
  );
}
