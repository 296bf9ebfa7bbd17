/** One changed file: its texts compared with what was said of them, or what else became of it. */
'use client';

import { MessageSquarePlus } from 'lucide-react';
import { useEffect, useImperativeHandle, useMemo, useRef, type Ref } from 'react';
import type { Lines } from '@/api/types';
import { Button } from '@/components/button';
import { Failure, Loading } from '@/components/states';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { CodeDiff, type CodeDiffHandle, type Zone } from './code-diff';
import type { ListedFile } from './changed-files';
import { keyOf, type Composed } from './composed';
import { Composer } from './composer';
import { linesWords } from './lines';
import { EntryChange, BytesChange } from './other-change';
import { isOfFile, placeNew, placeOf, type Pane, type Placed, type Shown } from './placing';
import { useReviewPage } from './review-context';
import { changeWords } from './review-words';
import { isDiscussed } from './thread-rules';
import { ThreadView } from './thread-view';
import { useFilePair } from './use-file-pair';

/** The server compares, and comments on, no larger texts line by line. */
const LARGEST_COMMENTED_BYTES = 1024 * 1024;

export interface FilePanelHandle {
  /** Begins a comment on what is selected. */
  comment: () => void;
}

interface FilePanelProps {
  file: ListedFile;
  shown: Shown;
  beside: boolean;
  hideUnchanged: boolean;
  onViewed: () => void;
  handle: Ref<FilePanelHandle>;
}

export function FilePanel({ file, shown, beside, hideUnchanged, onViewed, handle }: FilePanelProps) {
  const { review, placed, composed, focused } = useReviewPage();
  const pair = useFilePair(file, shown);
  const entries = useStore(composed.entries);
  const code = useRef<CodeDiffHandle>(null);
  const { onFile, zones } = useMemo(() => {
    const threads = placed.filter((one) => isOfFile(one.placed, file));
    const written = [...entries.values()].flatMap((entry) => newIn(entry, file, shown));
    return arrange(threads, written);
  }, [placed, entries, file, shown]);
  const paths = { original: file.former_path ?? file.path, modified: file.path };
  const small = Math.max(file.old?.size ?? 0, file.new?.size ?? 0) <= LARGEST_COMMENTED_BYTES;
  const discussed = isDiscussed(review);

  const begin = (pane: Pane, lines: Lines | null): void =>
    composed.open({ kind: 'new', place: placeOf(shown, pane, paths, lines) });
  // What is gone is only in the older text.
  const onAll = (): void => begin(file.status === 'deleted' ? 'original' : 'modified', null);

  useImperativeHandle(handle, () => ({
    comment: () => {
      if (!discussed) return;
      if (pair.kind !== 'texts' || !small || !code.current) return onAll();
      const { pane, lines } = code.current.selected();
      begin(pane, lines);
    },
  }));

  useEffect(() => {
    const zone = zones.find(({ threads }) => threads.some(({ id }) => id === focused?.thread));
    if (zone) code.current?.reveal(zone.pane, zone.lines.start);
    // Only when the reader is led to it, or the text is there.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [focused, pair.kind]);

  return (
    <section aria-label={displayName(file.path)} className="flex h-full min-h-0 flex-col bg-panel">
      <header className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-bg px-3 py-1">
        <h2 className="min-w-0 truncate font-mono text-xs font-semibold" title={displayName(file.path)}>
          {displayName(file.path)}
        </h2>
        <span className="text-xs text-muted">
          {file.status === 'unchanged' ? 'Unchanged' : changeWords({ ...file, status: file.status })}
        </span>
        <span className="flex-1" />
        {discussed ? (
          <Button variant="ghost" onClick={onAll}>
            <MessageSquarePlus aria-hidden className="size-3.5" /> On the file
          </Button>
        ) : null}
        {file.status === 'unchanged' ? null : (
          <label className="flex items-center gap-1.5 text-xs">
            <input
              type="checkbox"
              checked={file.viewed}
              onChange={onViewed}
              className="accent-accent-solid"
            />
            Viewed
          </label>
        )}
      </header>
      {onFile.threads.length > 0 || onFile.written.length > 0 ? (
        <div className="flex max-h-[45%] shrink-0 flex-col gap-2 overflow-auto border-b bg-bg p-2">
          <ThreadStack threads={onFile.threads} written={onFile.written} apart />
        </div>
      ) : null}
      <div className="min-h-0 flex-1">
        {isEntry(file) ? (
          <EntryChange file={file} />
        ) : pair.kind === 'loading' ? (
          <Loading />
        ) : pair.kind === 'failed' ? (
          <Failure
            title="The file could not be loaded"
            actions={<Button onClick={pair.retry}>Try again</Button>}
          >
            {pair.message}
          </Failure>
        ) : pair.kind === 'texts' ? (
          <CodeDiff
            key={`${file.path} ${shown.round} ${JSON.stringify(shown.base)}`}
            path={file.path}
            before={pair.before}
            after={pair.after}
            // Nothing would stand beside a new file.
            beside={beside && pair.before !== ''}
            hideUnchanged={hideUnchanged}
            zones={zones}
            onComment={discussed && small ? begin : null}
            handle={code}
          />
        ) : (
          <BytesChange file={file} shown={shown} why={pair.kind} />
        )}
      </div>
    </section>
  );
}

/** A folder or a link; a file in the place of one has both kinds. */
function isEntry(file: ListedFile): boolean {
  return [file.old, file.new].some((entry) => entry != null && entry.kind !== 'file');
}

interface Written {
  entry: Composed;
  placed: Placed;
}

function newIn(entry: Composed, file: ListedFile, shown: Shown): Written[] {
  if (entry.target.kind !== 'new') return [];
  const placed = placeNew(entry.target.place, shown);
  return isOfFile(placed, file) ? [{ entry, placed }] : [];
}

type Threads = ReturnType<typeof useReviewPage>['placed'];
type ThreadOf = Threads[number]['thread'];
type LineZone = Zone & { threads: readonly ThreadOf[] };

/** What is on all of the file, and what is below which lines: all that ends on one line is together. */
function arrange(threads: Threads, written: readonly Written[]) {
  const onFile = {
    threads: threads.filter(({ placed }) => placed.on === 'file').map(({ thread }) => thread),
    written: written.filter(({ placed }) => placed.on === 'file').map(({ entry }) => entry),
  };
  const byLine = new Map<string, { pane: Pane; lines: Lines; threads: ThreadOf[]; written: Composed[] }>();
  const at = (placed: Extract<Placed, { on: 'lines' }>) => {
    const key = `${placed.pane} ${placed.lines.end}`;
    const known = byLine.get(key) ?? { pane: placed.pane, lines: placed.lines, threads: [], written: [] };
    known.lines = { start: Math.min(known.lines.start, placed.lines.start), end: placed.lines.end };
    byLine.set(key, known);
    return known;
  };
  for (const { thread, placed } of threads) if (placed.on === 'lines') at(placed).threads.push(thread);
  for (const { entry, placed } of written) if (placed.on === 'lines') at(placed).written.push(entry);
  const zones = [...byLine].map(([key, { pane, lines, ...said }]): LineZone => ({
    key,
    pane,
    lines,
    threads: said.threads,
    content: <ThreadStack {...said} />,
  }));
  return { onFile, zones };
}

interface StackProps {
  threads: readonly ThreadOf[];
  written: readonly Composed[];
  apart?: boolean;
}

export function ThreadStack({ threads, written, apart = false }: StackProps) {
  return (
    <>
      {threads.map((thread) => (
        <ThreadView key={thread.id} thread={thread} apart={apart} />
      ))}
      {written.map(({ target }) =>
        target.kind === 'new' ? (
          <div key={keyOf(target)}>
            {apart && target.place.lines ? (
              <p className="pb-1 text-xs text-muted">
                On {linesWords(target.place.lines)} of round {target.place.round}
              </p>
            ) : null}
            <Composer
              target={target}
              editable={target.place.side === 'new' && target.place.lines ? target.place : null}
            />
          </div>
        ) : null,
      )}
    </>
  );
}
