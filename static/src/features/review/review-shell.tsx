/** One review on the screen: what it is, what has changed, what was said, and the run below. */
'use client';

import { useCallback, useMemo, useRef, useState } from 'react';
import { Group, Panel, Separator } from 'react-resizable-panels';
import { messageOf } from '@/api/problem';
import type { Review } from '@/api/types';
import { Banner } from '@/components/banner';
import { Button } from '@/components/button';
import { Empty, Failure, Loading } from '@/components/states';
import { readStored, writeStored } from '@/lib/storage';
import { listFiles, readingOrder, stepTo } from './changed-files';
import { ChosenEdits } from './chosen-edits';
import { ComposedTexts } from './composed';
import { FileList } from './file-list';
import { FilePanel, type FilePanelHandle } from './file-panel';
import { Overview } from './overview';
import { byPlace, isOfFile, placeThread, type Shown } from './placing';
import { ReviewProvider, type ReviewPageValue, type View } from './review-context';
import { ReviewHeader } from './review-header';
import { ReviewHelp } from './review-help';
import type { ReviewCommand } from './review-keys';
import { RoundBar } from './round-bar';
import { RunPanel, useRunControl } from './run-panel';
import { isAuthor } from './thread-rules';
import { Trail } from './trail';
import type { Looking, ReviewData } from './use-review';
import { useReviewKeys } from './use-review-keys';
import { useSeen } from './use-seen';
import { useViewed } from './use-viewed';
import { VerdictDialog } from './verdict-dialog';

const BESIDE_KEY = 'carrel.review.beside';

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

interface ReviewShellProps {
  review: Review;
  data: ReviewData;
  user: string;
  looking: Looking;
  onLook: (change: Partial<Looking>) => void;
}

export function ReviewShell({ review, data, user, looking, onLook }: ReviewShellProps) {
  const { id } = review;
  const [view, setView] = useState<View>('overview');
  const [path, setPath] = useState<string | null>(null);
  const [beside, setBeside] = useState(() => readStored(BESIDE_KEY, isBoolean) ?? true);
  const [hideUnchanged, setHideUnchanged] = useState(false);
  const [dialog, setDialog] = useState<'decide' | 'help' | null>(null);
  const [runShown, setRunShown] = useState(false);
  const [focused, setFocused] = useState<ReviewPageValue['focused']>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const composed = useMemo(() => new ComposedTexts(user, id), [user, id]);
  const panel = useRef<FilePanelHandle>(null);
  const control = useRunControl(id, () => setRunShown(true));

  const round = looking.round ?? review.round;
  const diff = data.diff.data ?? null;
  const shown = useMemo<Shown | null>(() => (diff ? { round: diff.round, base: diff.from } : null), [diff]);
  const threads = useMemo(() => data.threads.data ?? [], [data.threads.data]);
  const placed = useMemo(
    () =>
      // Those of the round that was shown before stay until this one's are there, but not in their places.
      shown
        ? threads
            .filter(({ at }) => at.round === shown.round)
            .map((thread) => ({ thread, placed: placeThread(thread, shown) }))
        : [],
    [threads, shown],
  );
  const files = useMemo(() => listFiles(diff?.items ?? [], placed), [diff, placed]);
  const file = files.find((one) => one.path === path) ?? files[0] ?? null;
  const setViewed = useViewed(id, round);
  useSeen(id, view === 'files' ? (diff?.round ?? null) : null);

  const showFile = useCallback((next: string): void => {
    setPath(next);
    setView('files');
  }, []);
  const showThread = useCallback(
    (thread: string): void => {
      const one = placed.find((known) => known.thread.id === thread);
      if (!one) return;
      const of = files.find((known) => isOfFile(one.placed, known));
      if (of) showFile(of.path);
      else setView('overview');
      setFocused((old) => ({ thread, count: (old?.count ?? 0) + 1 }));
    },
    [placed, files, showFile],
  );
  const choose = useCallback((comment: string, wanted: boolean): void => {
    setChosen((old) => new Set(wanted ? [...old, comment] : [...old].filter((one) => one !== comment)));
  }, []);
  const lookBeside = (next: boolean): void => {
    setBeside(next);
    writeStored(BESIDE_KEY, next);
  };

  useReviewKeys((command: ReviewCommand) => {
    switch (command) {
      case 'next_file':
      case 'previous_file': {
        const step = command === 'next_file' ? 1 : -1;
        const at = view === 'files' ? files.findIndex((one) => one.path === file?.path) : -1;
        const next = stepTo(files, at, step);
        return next ? showFile(next.path) : undefined;
      }
      case 'next_comment':
      case 'previous_comment': {
        const order = readingOrder(files, placed, byPlace);
        const at = order.findIndex((one) => one.thread === focused?.thread);
        const next = stepTo(order, at, command === 'next_comment' ? 1 : -1);
        return next ? showThread(next.thread) : undefined;
      }
      case 'toggle_viewed':
        return void (view === 'files' && file ? setViewed(file) : undefined);
      case 'comment':
        return view === 'files' ? panel.current?.comment() : undefined;
      case 'toggle_beside':
        return lookBeside(!beside);
      case 'publish':
        return setDialog('decide');
      case 'help':
        return setDialog('help');
    }
  });

  const value: ReviewPageValue = {
    review,
    user,
    author: isAuthor(review, user),
    rounds: data.rounds.data ?? [],
    steps: data.steps.data ?? [],
    threads,
    placed,
    diff,
    shown,
    files,
    file,
    run: data.run.data ?? null,
    composed,
    chosen,
    choose,
    refresh: data.refresh,
    told: data.told,
    showFile,
    showThread,
    show: setView,
    focused,
  };

  const reading =
    review.round === 0 ? (
      <Empty title="Nothing has been submitted yet">Its files are shown with the first round.</Empty>
    ) : data.diff.isError ? (
      <Failure
        title="The changes could not be loaded"
        actions={<Button onClick={() => void data.diff.refetch()}>Try again</Button>}
      >
        {messageOf(data.diff.error)}
      </Failure>
    ) : !shown ? (
      <Loading>Comparing…</Loading>
    ) : (
      <Group id="carrel.review.columns">
        <Panel
          id="files"
          defaultSize={280}
          minSize={160}
          maxSize="50%"
          groupResizeBehavior="preserve-pixel-size"
        >
          <FileList
            files={files}
            current={file?.path ?? null}
            onOpen={showFile}
            onViewed={(one) => void setViewed(one)}
          />
        </Panel>
        <Separator className="splitter w-px" aria-label="Width of the files" />
        <Panel id="reading" minSize="30%">
          {file ? (
            <FilePanel
              file={file}
              shown={shown}
              beside={beside}
              hideUnchanged={hideUnchanged}
              onViewed={() => void setViewed(file)}
              handle={panel}
            />
          ) : (
            <Empty title="Nothing has changed">Compare with another round, or with the beginning.</Empty>
          )}
        </Panel>
      </Group>
    );

  return (
    <ReviewProvider value={value}>
      <div className="flex h-dvh flex-col overflow-hidden">
        <ReviewHeader onHelp={() => setDialog('help')} onDecide={() => setDialog('decide')} />
        <RoundBar
          view={view}
          round={round}
          from={looking.from}
          beside={beside}
          hideUnchanged={hideUnchanged}
          runShown={runShown}
          control={control}
          onRound={(next) => onLook({ round: next })}
          onFrom={(from) => onLook({ from })}
          onBeside={lookBeside}
          onHideUnchanged={setHideUnchanged}
          onShowRun={() => setRunShown(true)}
        />
        {review.round > round ? (
          <Banner
            tone="warn"
            actions={<Button onClick={() => onLook({ round: null })}>Show round {review.round}</Button>}
          >
            You are looking at round {round}; round {review.round} is the newest.
          </Banner>
        ) : null}
        <ChosenEdits onClear={() => setChosen(new Set())} />
        <main className="min-h-0 flex-1">
          <Group id="carrel.review.rows" orientation="vertical">
            <Panel id="review" minSize={120}>
              {view === 'overview' ? <Overview /> : view === 'activity' ? <Trail /> : reading}
            </Panel>
            {value.run && runShown ? (
              <>
                <Separator className="splitter h-px" aria-label="Height of the run" />
                <Panel id="run" defaultSize="40%" minSize={100}>
                  <RunPanel
                    key={value.run.session.id}
                    run={value.run}
                    control={control}
                    onHide={() => setRunShown(false)}
                  />
                </Panel>
              </>
            ) : null}
          </Group>
        </main>
        {dialog === 'decide' ? <VerdictDialog onClose={() => setDialog(null)} /> : null}
        <ReviewHelp open={dialog === 'help'} onClose={() => setDialog(null)} />
      </div>
    </ReviewProvider>
  );
}
