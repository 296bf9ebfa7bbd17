/** One comment: who, when, what, and the edit it suggests. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { Popover } from 'radix-ui';
import { applySuggestions, discardDraft, fetchFormer } from '@/api/reading';
import type { ReviewComment, Thread } from '@/api/types';
import { messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Markdown } from '@/components/markdown';
import { Failure, Loading } from '@/components/states';
import { useToast } from '@/components/toasts';
import { useStore } from '@/lib/store';
import { formatAgo, formatTime } from '@/lib/format';
import { namesOf } from '@/lib/names';
import { keyOf, type Target } from './composed';
import { Composer } from './composer';
import { forTyping } from './lines';
import type { Place } from './placing';
import { useReviewPage } from './review-context';
import { personName } from './review-words';
import { SuggestionDiff } from './suggestion-diff';
import { canApply, isDiscussed } from './thread-rules';
import { useAttempt } from './use-attempt';

interface CommentViewProps {
  thread: Thread;
  comment: ReviewComment;
  /** Where the thread's lines are, and what they were. */
  place: Place;
  original: string | null;
  editable: boolean;
}

export function CommentView({ thread, comment, place, original, editable }: CommentViewProps) {
  const { review, user, composed } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const confirm = useConfirm();
  const target: Target = { kind: 'edit', thread: thread.id, comment: comment.id };
  const editing = useStore(composed.entries).has(keyOf(target));
  const mine = comment.author.id === user;

  const edit = (): void => {
    const { suggestion } = comment;
    composed.open(target, {
      text: comment.text,
      edit: suggestion ? forTyping(suggestion.replacement) : null,
    });
  };
  const discard = async (): Promise<void> => {
    const yes = await confirm({
      title: 'Discard this draft?',
      text: 'Nobody else has seen it.',
      yes: 'Discard',
      danger: true,
    });
    if (yes) await attempt(() => discardDraft(review.id, comment.id));
  };

  return (
    <article
      aria-label={`Comment by ${personName(comment.author)}`}
      className="flex flex-col gap-1.5 px-2.5 py-2"
    >
      <header className="flex flex-wrap items-center gap-x-2 text-xs text-muted">
        <span className="font-semibold text-fg">{personName(comment.author)}</span>
        <time dateTime={comment.created_at} title={formatTime(comment.created_at)}>
          {formatAgo(comment.published_at ?? comment.created_at)}
        </time>
        {comment.draft ? (
          <span className="rounded-full border border-warn px-1.5 text-2xs text-warn">
            Draft: only you see it
          </span>
        ) : null}
        {comment.edited_at != null ? <Former comment={comment} /> : null}
        <span className="flex-1" />
        {mine && isDiscussed(review) && !editing ? (
          <Button variant="ghost" className="h-5! px-1.5 text-xs" onClick={edit}>
            Edit
          </Button>
        ) : null}
        {mine && comment.draft ? (
          <Button variant="ghost" className="h-5! px-1.5 text-xs" busy={busy} onClick={() => void discard()}>
            Discard
          </Button>
        ) : null}
      </header>
      {editing ? (
        <Composer target={target} editable={editable ? place : null} published={!comment.draft} />
      ) : (
        <>
          <Markdown text={comment.text} />
          {comment.suggestion ? (
            <>
              <SuggestionDiff before={original} after={comment.suggestion.replacement} />
              <ApplyEdit comment={comment} />
            </>
          ) : null}
        </>
      )}
    </article>
  );
}

function ApplyEdit({ comment }: { comment: ReviewComment }) {
  const { review, user, chosen, choose } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const toast = useToast();
  const appliedAt = comment.suggestion?.applied_at;
  if (appliedAt != null) {
    return <p className="text-xs text-ok">Applied to the workspace {formatAgo(appliedAt)}</p>;
  }
  if (!canApply(comment, review, user)) return null;
  const apply = (): Promise<boolean> =>
    attempt(async () => {
      const paths = await applySuggestions(review.id, [comment.id]);
      choose(comment.id, false);
      toast(`Applied to ${namesOf(paths)} in your workspace. Others see it with the next round.`, 'ok');
    });
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Button variant="primary" busy={busy} onClick={() => void apply()}>
        Apply to my workspace
      </Button>
      <label className="flex items-center gap-1.5 text-xs text-muted">
        <input
          type="checkbox"
          checked={chosen.has(comment.id)}
          onChange={(event) => choose(comment.id, event.target.checked)}
          className="accent-accent-solid"
        />
        Apply with others
      </label>
    </div>
  );
}

/** What a comment has said before. */
function Former({ comment }: { comment: ReviewComment }) {
  return (
    <Popover.Root>
      <Popover.Trigger className="underline decoration-dotted hover:text-fg">edited</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          sideOffset={4}
          collisionPadding={12}
          className="z-50 max-h-96 w-96 overflow-auto rounded-lg border border-line-strong bg-raised p-3 shadow-pop outline-none"
        >
          <FormerTexts comment={comment} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function FormerTexts({ comment }: { comment: ReviewComment }) {
  const { review } = useReviewPage();
  const former = useQuery({
    queryKey: ['review-former', review.id, comment.id, comment.edited_at],
    queryFn: () => fetchFormer(review.id, comment.id),
  });
  if (former.isPending) return <Loading />;
  if (former.isError) return <Failure title="It could not be loaded">{messageOf(former.error)}</Failure>;
  return (
    <ol aria-label="Before" className="flex flex-col gap-3">
      {former.data.map((text) => (
        <li key={text.written_at} className="flex flex-col gap-1 border-b pb-2 last:border-b-0 last:pb-0">
          <span className="text-xs text-muted">Written {formatTime(text.written_at)}</span>
          <Markdown text={text.text} />
          {text.replacement != null ? <SuggestionDiff before={null} after={text.replacement} /> : null}
        </li>
      ))}
    </ol>
  );
}
