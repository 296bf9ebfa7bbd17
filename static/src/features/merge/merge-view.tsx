/** Three versions above, the result below, the conflicts beside them; the keys decide the current one. */
'use client';

import { useMemo, useState } from 'react';
import { Button } from '@/components/button';
import { KeyList, type KeyRows } from '@/components/shortcut';
import { useStore } from '@/lib/store';
import { HunkList } from './hunk-list';
import type { Loaded } from './merge-source';
import type { Choice, MergeResult } from './merge-result';
import { ResultPane } from './result-pane';
import type { Piece, Span } from './three-way';
import { VersionPane } from './version-pane';

interface MergeViewProps {
  loaded: Extract<Loaded, { kind: 'texts' }>;
  result: MergeResult;
  path: string;
  /** Whose the two versions are. */
  names: { mine: string; theirs: string };
}

export function MergeView({ loaded, result, path, names }: MergeViewProps) {
  const { current } = useStore(result.state);
  const [showBase, setShowBase] = useState(true);
  const spans = useMemo(
    () => ({
      mine: result.conflicts.map(({ at }) => at.mine),
      theirs: result.conflicts.map(({ at }) => at.theirs),
      base: result.conflicts.map(({ at }) => at.base),
      mineAlone: mergedSpans(loaded.merged.pieces, 'mine'),
      theirsAlone: mergedSpans(loaded.merged.pieces, 'theirs'),
    }),
    [loaded, result],
  );
  const pane = { path, current, onSelect: (index: number) => result.select(index) };
  const many = result.conflicts.length > 0;

  return (
    <div className="flex min-h-0 flex-1">
      <aside className="flex w-72 shrink-0 flex-col border-r bg-bg">
        {many ? (
          <>
            <TakeAll result={result} />
            <div className="min-h-0 flex-1 overflow-auto">
              <HunkList result={result} />
            </div>
          </>
        ) : (
          <p className="flex-1 p-4 text-muted">
            Nothing is in conflict. Look at the result and save it, or change it first.
          </p>
        )}
        <KeyList rows={HELP} className="shrink-0 border-t p-3 text-xs text-muted" />
      </aside>
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="flex min-h-0 flex-1 divide-x divide-line">
          <VersionPane
            {...pane}
            title={names.mine}
            text={loaded.mine}
            conflicts={spans.mine}
            merged={spans.mineAlone}
          />
          {loaded.base !== null && showBase ? (
            <VersionPane
              {...pane}
              title="Before both"
              text={loaded.base}
              conflicts={spans.base}
              merged={NONE}
            />
          ) : null}
          <VersionPane
            {...pane}
            title={names.theirs}
            text={loaded.theirs}
            conflicts={spans.theirs}
            merged={spans.theirsAlone}
          />
        </div>
        <section
          aria-label="Result"
          className="flex min-h-0 flex-[1.2] flex-col border-t-2 border-t-line-strong"
        >
          <div className="flex items-center gap-2 border-b bg-bg py-0.5 pr-1 pl-3">
            <h3 className="flex-1 text-xs font-semibold text-muted">Result</h3>
            {loaded.base === null ? (
              <span className="text-xs text-faint">What both were made from is not known.</span>
            ) : (
              <Button variant="ghost" aria-pressed={showBase} onClick={() => setShowBase((old) => !old)}>
                {showBase ? 'Hide what was before' : 'Show what was before'}
              </Button>
            )}
          </div>
          <div className="min-h-0 flex-1">
            <ResultPane result={result} path={path} />
          </div>
        </section>
      </div>
    </div>
  );
}

const NONE: readonly Span[] = [];

function mergedSpans(pieces: readonly Piece[], side: 'mine' | 'theirs'): Span[] {
  return pieces.flatMap((piece) => (piece.kind === 'merged' && piece.by === side ? [piece.at] : []));
}

function TakeAll({ result }: { result: MergeResult }) {
  const all: readonly (readonly [Choice, string])[] = [
    ['mine', 'mine'],
    ['theirs', 'theirs'],
    ['both', 'both'],
  ];
  return (
    <div role="group" aria-label="All conflicts: take" className="flex items-center gap-1 border-b px-3 py-2">
      <span className="text-xs text-muted">All</span>
      {all.map(([choice, words]) => (
        <Button key={choice} className="flex-1 px-1" onClick={() => result.decideAll(choice)}>
          All {words}
        </Button>
      ))}
    </div>
  );
}

const HELP: KeyRows = [
  ['F8', 'Next conflict (with Shift back)'],
  ['Alt+M', 'Take mine'],
  ['Alt+T', 'Take theirs'],
  ['Alt+B', 'Take both'],
  ['Alt+Shift+M', 'The same everywhere'],
  ['Mod+S', 'Save the result'],
];
