/** A box to write in: something new, an answer, or another text of what was said. What is typed is kept until it is sent. */
'use client';

import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { addComment, editComment } from '@/api/reading';
import type { ThreadKind } from '@/api/types';
import { Button } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { INPUT_CLASS } from '@/components/field';
import { LONGEST_MARKDOWN, Markdown } from '@/components/markdown';
import { cx } from '@/lib/cx';
import { useStore } from '@/lib/store';
import { keyOf, type Composed, type Target } from './composed';
import { asReplacement, forTyping } from './lines';
import type { Place } from './placing';
import { useReviewPage } from './review-context';
import { sendCommand } from './review-keys';
import { KIND_WORDS } from './review-words';
import { SuggestionDiff } from './suggestion-diff';
import { useAttempt } from './use-attempt';
import { useOriginalLines } from './use-original-lines';

interface ComposerProps {
  target: Target;
  /** Where its lines are, if they may be suggested to be others. */
  editable: Place | null;
  /** Of a comment that is a draft, or one that others see. */
  published?: boolean;
}

/** There exactly while something is being written. */
export function Composer(props: ComposerProps) {
  const { composed } = useReviewPage();
  const entry = useStore(composed.entries).get(keyOf(props.target));
  return entry ? <Writing {...props} entry={entry} /> : null;
}

const LABELS = { reply: 'Answer', edit: 'Comment', new: 'Comment' } as const;

function Writing({ target, editable, published = false, entry }: ComposerProps & { entry: Composed }) {
  const { review, author, composed } = useReviewPage();
  const { busy, attempt } = useAttempt();
  const confirm = useConfirm();
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const [preview, setPreview] = useState(false);
  const original = useOriginalLines(editable);
  const suggests = entry.edit !== null && original !== null;
  const empty = entry.text.trim() === '';
  const isNew = target.kind !== 'edit';

  useEffect(() => {
    // One that was there before a reload waits until it is come to.
    if (entry.text === '') box.current?.focus({ preventScroll: true });
    // Only when it appears.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const suggestion = (): { replacement: string } | null =>
    suggests ? { replacement: asReplacement(original, entry.edit ?? '') } : null;

  const send = (draft: boolean): void => {
    if (empty || busy || (entry.edit !== null && original === null)) return;
    const edit = suggestion();
    void attempt(async () => {
      if (target.kind === 'edit') await editComment(review.id, target.comment, entry.text, edit);
      else {
        const on =
          target.kind === 'reply'
            ? { thread: target.thread }
            : { kind: entry.about, ...placeBody(target.place) };
        await addComment(review.id, {
          ...on,
          text: entry.text,
          draft,
          ...(edit ? { suggestion: edit } : {}),
        });
      }
      // Before anything is read anew: what was sent must not be there twice.
      composed.close(target);
    });
  };

  // Who reviews says everything with the verdict; who answers, at once.
  const sends: readonly (readonly [words: string, draft: boolean])[] = !isNew
    ? [[published ? 'Save' : 'Save draft', false]]
    : author
      ? [
          ['Comment now', false],
          ['Save as draft', true],
        ]
      : [
          ['Save as draft', true],
          ['Comment now', false],
        ];

  const onKeyDown = (event: KeyboardEvent): void => {
    const command = sendCommand(event.nativeEvent);
    const chosen = command === null ? undefined : sends[command === 'first' ? 0 : 1];
    if (event.key === 'Escape' && empty && entry.edit === null) composed.close(target);
    else if (chosen) send(chosen[1]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const cancel = async (): Promise<void> => {
    const wanted =
      empty ||
      (await confirm({
        title: 'Throw this text away?',
        text: 'It was not sent.',
        yes: 'Throw away',
        danger: true,
      }));
    if (wanted) composed.close(target);
  };

  return (
    <form
      aria-label={LABELS[target.kind]}
      data-composer={keyOf(target)}
      onKeyDown={onKeyDown}
      onSubmit={(event) => event.preventDefault()}
      className="flex flex-col gap-2 rounded-lg border border-line-strong bg-raised p-2"
    >
      {target.kind === 'new' ? (
        <KindChoice value={entry.about} onChange={(about) => composed.change(target, { about })} />
      ) : null}
      {preview ? (
        <div className="min-h-16 rounded-md border bg-panel px-2.5 py-1.5">
          {empty ? (
            <span className="text-faint">Nothing is written yet.</span>
          ) : (
            <Markdown text={entry.text} />
          )}
        </div>
      ) : (
        <textarea
          ref={box}
          aria-label={`${LABELS[target.kind]}, in Markdown`}
          placeholder={
            target.kind === 'reply' ? 'Your answer, in Markdown' : 'What you want to say, in Markdown'
          }
          value={entry.text}
          maxLength={LONGEST_MARKDOWN}
          rows={3}
          onChange={(event) => composed.change(target, { text: event.target.value })}
          className={cx(INPUT_CLASS, 'max-h-80 min-h-16 resize-y py-1.5 [field-sizing:content]')}
        />
      )}
      {suggests ? (
        <>
          <label htmlFor={`${id}-edit`} className="text-xs font-medium">
            The lines should be
          </label>
          <textarea
            id={`${id}-edit`}
            value={entry.edit ?? ''}
            spellCheck={false}
            rows={2}
            maxLength={100_000}
            onChange={(event) => composed.change(target, { edit: event.target.value })}
            className={cx(
              INPUT_CLASS,
              'max-h-80 resize-y py-1.5 font-mono text-xs leading-5 [field-sizing:content]',
            )}
          />
          <SuggestionDiff before={original} after={asReplacement(original, entry.edit ?? '')} />
        </>
      ) : null}
      <div className="flex flex-wrap items-center gap-1.5">
        {sends.map(([words, draft], index) => (
          <Button
            key={words}
            variant={index === 0 ? 'primary' : 'secondary'}
            busy={busy}
            disabled={empty}
            title={index === 0 ? 'Ctrl+Enter' : 'Ctrl+Shift+Enter'}
            onClick={() => send(draft)}
          >
            {words}
          </Button>
        ))}
        <Button variant="ghost" onClick={() => void cancel()}>
          Cancel
        </Button>
        <span className="flex-1" />
        {editable?.lines && original !== null ? (
          <Button
            variant="ghost"
            aria-pressed={suggests}
            onClick={() => composed.change(target, { edit: suggests ? null : forTyping(original) })}
          >
            {suggests ? 'No edit' : 'Suggest an edit'}
          </Button>
        ) : null}
        <Button variant="ghost" aria-pressed={preview} onClick={() => setPreview((old) => !old)}>
          {preview ? 'Write' : 'Preview'}
        </Button>
      </div>
    </form>
  );
}

function placeBody({ round, side, path, lines }: Place) {
  return { round, ...(path === null ? {} : { path, side }), ...(lines === null ? {} : { lines }) };
}

const KINDS = Object.keys(KIND_WORDS) as ThreadKind[];

const HINTS: Record<ThreadKind, string> = {
  general: 'Something to know',
  suggestion: 'Something that could be better',
  issue: 'Must be better: blocks approval until it is verified',
  question: 'Something to be answered',
  praise: 'Something that is good',
};

function KindChoice({ value, onChange }: { value: ThreadKind; onChange: (kind: ThreadKind) => void }) {
  const name = useId();
  return (
    <fieldset className="flex flex-wrap items-center gap-1">
      <legend className="sr-only">What it is about</legend>
      {KINDS.map((kind) => (
        <label
          key={kind}
          title={HINTS[kind]}
          className={cx(
            'cursor-pointer rounded-full border px-2 text-xs has-focus-visible:outline-2 has-focus-visible:outline-accent',
            kind === value ? 'border-accent bg-selected text-accent' : 'text-muted hover:text-fg',
          )}
        >
          <input
            type="radio"
            name={name}
            checked={kind === value}
            onChange={() => onChange(kind)}
            className="sr-only"
          />
          {KIND_WORDS[kind]}
        </label>
      ))}
      <span className="pl-1 text-2xs text-faint">{HINTS[value]}</span>
    </fieldset>
  );
}
