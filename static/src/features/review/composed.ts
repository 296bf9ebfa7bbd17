/**
 * Text that is being written and not yet sent, kept over files, rounds, reloads and closed tabs.
 *
 * What is open is what is kept: a composer is there exactly while it has an entry. **Bounded**: when there is more than
 * `MOST_ENTRIES` or `MOST_CHARS` of one review, or of more than `MOST_REVIEWS`, the oldest goes.
 */
import type { Side, ThreadKind } from '@/api/types';
import { isRecord, readStored, removeStored, writeStored } from '@/lib/storage';
import { Store } from '@/lib/store';
import type { Place } from './placing';

/** What is being written: an answer, another text of a comment, or something new. */
export type Target =
  | { kind: 'reply'; thread: string }
  | { kind: 'edit'; thread: string; comment: string }
  | { kind: 'new'; place: Place };

export interface Composed {
  target: Target;
  text: string;
  about: ThreadKind;
  /** What the lines should be, as it is typed; `null` when nothing is suggested. */
  edit: string | null;
  at: number;
}

export const MOST_ENTRIES = 50;
export const MOST_CHARS = 400_000;
export const MOST_REVIEWS = 20;

const PREFIX = 'carrel.composed.';

export function keyOf(target: Target): string {
  switch (target.kind) {
    case 'reply':
      return `reply ${target.thread}`;
    case 'edit':
      return `edit ${target.comment}`;
    case 'new': {
      const { round, side, path, lines } = target.place;
      return `new ${JSON.stringify([round, side, path, lines?.start ?? null, lines?.end ?? null])}`;
    }
  }
}

export class ComposedTexts {
  readonly entries: Store<ReadonlyMap<string, Composed>>;
  private readonly key: string;

  constructor(user: string, review: string) {
    this.key = `${PREFIX}${user}.${review}`;
    const stored = readStored(this.key, isRecord) ?? {};
    const entries = Object.values(stored).filter(isComposed);
    this.entries = new Store(new Map(entries.map((entry) => [keyOf(entry.target), entry])));
  }

  /** Begins to write, unless that is under way. */
  open(target: Target, initial: Partial<Pick<Composed, 'text' | 'about' | 'edit'>> = {}): void {
    if (!this.entries.get().has(keyOf(target))) {
      this.put({ target, text: '', about: 'general', edit: null, ...initial, at: Date.now() });
    }
  }

  change(target: Target, change: Partial<Pick<Composed, 'text' | 'about' | 'edit'>>): void {
    const entry = this.entries.get().get(keyOf(target));
    if (entry) this.put({ ...entry, ...change, at: Date.now() });
  }

  /** It was sent, or is not wanted any more. */
  close(target: Target): void {
    const next = new Map(this.entries.get());
    if (next.delete(keyOf(target))) this.keep(next);
  }

  private put(entry: Composed): void {
    this.keep(new Map(this.entries.get()).set(keyOf(entry.target), entry));
  }

  private keep(entries: Map<string, Composed>): void {
    const oldest = [...entries].sort(([, a], [, b]) => a.at - b.at).map(([key]) => key);
    const size = (): number =>
      [...entries.values()].reduce((sum, { text, edit }) => sum + text.length + (edit?.length ?? 0), 0);
    while (entries.size > 1 && (entries.size > MOST_ENTRIES || size() > MOST_CHARS)) {
      entries.delete(oldest.shift() ?? '');
    }
    this.entries.set(entries);
    if (entries.size === 0) return removeStored(this.key);
    writeStored(this.key, Object.fromEntries(entries));
    tidy(this.key);
  }
}

/** Whether a user has begun to write anything in this browser that was not sent. */
export function hasComposed(user: string): boolean {
  return keysOf(`${PREFIX}${user}.`).length > 0;
}

/** Nothing of a user stays in a browser they have signed out of. */
export function forgetComposed(user: string): void {
  for (const key of keysOf(`${PREFIX}${user}.`)) removeStored(key);
}

/** Reviews nobody has written on for longest go. */
function tidy(present: string): void {
  const others = keysOf(PREFIX).filter((key) => key !== present);
  if (others.length < MOST_REVIEWS) return;
  const last = (key: string): number =>
    Math.max(
      0,
      ...Object.values(readStored(key, isRecord) ?? {})
        .filter(isComposed)
        .map(({ at }) => at),
    );
  const byAge = others.map((key) => [last(key), key] as const).sort(([a], [b]) => a - b);
  for (const [, key] of byAge.slice(0, others.length - MOST_REVIEWS + 1)) removeStored(key);
}

function keysOf(prefix: string): string[] {
  try {
    const { localStorage } = window;
    const keys = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index) ?? '');
    return keys.filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

const KINDS: readonly string[] = [
  'general',
  'suggestion',
  'issue',
  'question',
  'praise',
] satisfies ThreadKind[];
const SIDES: readonly unknown[] = ['new', 'old'] satisfies Side[];

function isComposed(value: unknown): value is Composed {
  return (
    isRecord(value) &&
    typeof value['text'] === 'string' &&
    typeof value['about'] === 'string' &&
    KINDS.includes(value['about']) &&
    (value['edit'] === null || typeof value['edit'] === 'string') &&
    typeof value['at'] === 'number' &&
    isTarget(value['target'])
  );
}

function isTarget(value: unknown): value is Target {
  if (!isRecord(value)) return false;
  if (value['kind'] === 'reply') return typeof value['thread'] === 'string';
  if (value['kind'] === 'edit')
    return typeof value['thread'] === 'string' && typeof value['comment'] === 'string';
  const place = value['place'];
  if (value['kind'] !== 'new' || !isRecord(place)) return false;
  const { round, side, path, lines } = place;
  const placed = path === null || typeof path === 'string';
  const within =
    lines === null ||
    (isRecord(lines) && typeof lines['start'] === 'number' && typeof lines['end'] === 'number');
  return typeof round === 'number' && SIDES.includes(side) && placed && within;
}
