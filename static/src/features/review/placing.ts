/** Where threads stand in what is shown: a round beside what it is compared with. */
import type { CompareWith, RoundName } from '@/api/reading';
import type { Lines, ReviewDiff, Side, Thread } from '@/api/types';

/** What is shown: a round, and what it is compared with. */
export interface Shown {
  round: number;
  base: ReviewDiff['from'];
}

/** Which editor of the two. */
export type Pane = 'original' | 'modified';

export type Placed =
  /** On all of the review. */
  | { on: 'review' }
  /** On a file, or on lines of it that are not shown any more. */
  | { on: 'file'; path: string }
  | { on: 'lines'; pane: Pane; path: string; lines: Lines };

/** What a new thread is on. */
export interface Place {
  round: number;
  side: Side;
  path: string | null;
  lines: Lines | null;
}

/** What a round is compared with when nobody says: the round before, the beginning for the first. */
function isPrevious({ round, base }: Shown): boolean {
  return base.kind === 'round' ? base.round === round - 1 : round === 1;
}

/** Under which name the older text is asked for; `null` where there is none. */
export function baseName({ base }: Shown): RoundName | null {
  if (base.kind === 'empty') return null;
  return base.kind === 'round' ? (base.round ?? null) : 'start';
}

/** The comparison in the words of the API. */
export function compareName({ base }: Shown): CompareWith {
  return base.kind === 'round' ? (base.round ?? 'previous') : 'start';
}

/** What somebody comments on who points at lines of a pane; `paths` are the file's in the two texts. */
export function placeOf(
  shown: Shown,
  pane: Pane,
  paths: { original: string; modified: string },
  lines: Lines | null,
): Place {
  if (pane === 'modified') return { round: shown.round, side: 'new', path: paths.modified, lines };
  const older = { path: paths.original, lines };
  if (isPrevious(shown)) return { round: shown.round, side: 'old', ...older };
  if (shown.base.kind === 'round' && shown.base.round != null) {
    return { round: shown.base.round, side: 'new', ...older };
  }
  return { round: 1, side: 'old', ...older };
}

/** Where something that was said stands: on lines where they are shown, else on its file, else on the review. */
export function placeThread(thread: Pick<Thread, 'path' | 'written' | 'at'>, shown: Shown): Placed {
  const { written, at } = thread;
  if (thread.path == null) return { on: 'review' };
  const path = at.path ?? thread.path;
  const file: Placed = { on: 'file', path };
  if (!written.lines) return file;
  if (written.side === 'new') {
    if (at.path != null && at.lines) return { on: 'lines', pane: 'modified', path: at.path, lines: at.lines };
    // Its lines have changed since: they stand as they were in the older text, if that is what it was written on.
    const older = shown.base.kind === 'round' && shown.base.round === written.round;
    return older ? { on: 'lines', pane: 'original', path: thread.path, lines: written.lines } : file;
  }
  if (isPrevious(shown)) {
    return at.path != null && at.lines
      ? { on: 'lines', pane: 'original', path: at.path, lines: at.lines }
      : file;
  }
  const start = written.round === 1 && shown.base.kind !== 'round';
  const round = shown.base.kind === 'round' && shown.base.round === written.round - 1;
  return start || round ? { on: 'lines', pane: 'original', path: thread.path, lines: written.lines } : file;
}

/** Where text that is being written stands. A place of another round is not shown on lines. */
export function placeNew(place: Place, shown: Shown): Placed {
  if (place.path === null) return { on: 'review' };
  const file: Placed = { on: 'file', path: place.path };
  if (place.lines === null) return file;
  const here = (pane: Pane): boolean => {
    const same = placeOf(
      shown,
      pane,
      { original: place.path ?? '', modified: place.path ?? '' },
      place.lines,
    );
    return same.round === place.round && same.side === place.side;
  };
  const pane = here('modified') ? 'modified' : here('original') ? 'original' : null;
  return pane ? { on: 'lines', pane, path: place.path, lines: place.lines } : file;
}

/** Whether a placed thing belongs to a file that has these paths. */
export function isOfFile(placed: Placed, file: { path: string; former_path?: string | null }): boolean {
  return placed.on !== 'review' && (placed.path === file.path || placed.path === file.former_path);
}

/** In the order in which they are met in a file: those on all of it, then by line; the older text's first. */
export function byPlace(a: Placed, b: Placed): number {
  const rank = (placed: Placed): number => (placed.on === 'lines' ? placed.lines.end : 0);
  return (
    rank(a) - rank(b) ||
    Number(b.on === 'lines' && b.pane === 'original') - Number(a.on === 'lines' && a.pane === 'original')
  );
}
