/**
 * The merged text while it is being made: which stretch of it belongs to which conflict, and what was decided there.
 *
 * It knows nothing of an editor. One may be attached; then every change goes through it and comes back as what it did,
 * so that undo, typing and the buttons are one and the same. A stretch in which the user typed is decided: by hand.
 */
import { Store } from '@/lib/store';
import type { Conflict, Merged } from './three-way';

export type Choice = 'mine' | 'theirs' | 'both';

/** `open`: nothing is decided, and the stretch shows what was there before both. `edited`: by hand. */
export type HunkState = 'open' | Choice | 'edited' | 'kept';

/** Characters `[start, end)` are replaced by `text`. */
export interface TextEdit {
  start: number;
  end: number;
  text: string;
}

export interface MergeState {
  hunks: readonly HunkState[];
  /** The conflict the keys are about. */
  current: number;
}

interface Hunk {
  conflict: Conflict;
  start: number;
  end: number;
  /** Whether its line ends stand before its lines, as at the end of a text without a last line end. */
  atEnd: boolean;
  /** What it began with, which may be decided upon as well. */
  initial: string;
  decided: boolean;
}

export class MergeResult {
  readonly state: Store<MergeState>;
  private readonly hunks: Hunk[] = [];
  private value: string;
  /** The text it began with. */
  private readonly begin: string;
  private editor: ((edits: readonly TextEdit[]) => void) | null = null;

  constructor(private readonly merged: Merged) {
    this.value = this.compose();
    this.begin = this.value;
    this.state = new Store<MergeState>({ hunks: this.states(), current: 0 });
  }

  /** The text as it is, with `\n` as line end. */
  get text(): string {
    return this.value;
  }

  /** What is to be saved. */
  get saved(): string {
    const { eol, bom } = this.merged;
    return (bom ? '\ufeff' : '') + (eol === '\n' ? this.value : this.value.replaceAll('\n', eol));
  }

  /** Whether anything was decided or typed, inside a conflict or beside it. */
  get begun(): boolean {
    return this.value !== this.begin || this.states().some((state) => state !== 'open');
  }

  get conflicts(): readonly Conflict[] {
    return this.hunks.map(({ conflict }) => conflict);
  }

  /** How many changes needed nobody. */
  get mergedByItself(): number {
    return this.merged.pieces.filter(({ kind }) => kind === 'merged' || kind === 'deleted').length;
  }

  /** Where a conflict is now. */
  range(index: number): { start: number; end: number } {
    const { start, end } = this.hunk(index);
    return { start, end };
  }

  /** Its first and its last character, for marking its lines: the line end that is not its own is left out. */
  marked(index: number): { first: number; last: number } {
    const { start, end, atEnd } = this.hunk(index);
    const own = end > start && !atEnd ? end - 1 : end;
    return { first: atEnd && start > 0 && end > start ? start + 1 : start, last: own };
  }

  /** From now on changes are made by `editor`, which tells of them through `changed`. */
  attach(editor: (edits: readonly TextEdit[]) => void): () => void {
    this.editor = editor;
    return () => {
      this.editor = null;
    };
  }

  /** The text has changed; edits are in the order in which they are to be applied. */
  changed(edits: readonly TextEdit[]): void {
    const before = this.hunks.map((hunk) => this.textOf(hunk));
    for (const { start, end, text } of edits) {
      this.value = this.value.slice(0, start) + text + this.value.slice(end);
      for (const hunk of this.hunks) move(hunk, start, end, text.length);
    }
    // A decision that is undone, or typed over, is none any more.
    for (const [index, hunk] of this.hunks.entries()) {
      if (this.textOf(hunk) !== before[index]) hunk.decided = false;
    }
    this.tell();
  }

  decide(index: number, choice: Choice): void {
    const hunk = this.hunk(index);
    this.edit([{ ...this.range(index), text: wanted(hunk, choice) }]);
    hunk.decided = true;
    this.tell();
  }

  decideAll(choice: Choice): void {
    // From the end, so that no edit moves another.
    const edits = this.hunks.map((hunk) => ({
      start: hunk.start,
      end: hunk.end,
      text: wanted(hunk, choice),
    }));
    this.edit(edits.reverse());
    for (const hunk of this.hunks) hunk.decided = true;
    this.tell();
  }

  /** What stands there now is what the user wants. */
  keep(index: number): void {
    this.hunk(index).decided = true;
    this.tell();
  }

  select(index: number): void {
    if (index < 0 || index >= this.hunks.length) return;
    this.state.update((old) => ({ ...old, current: index }));
  }

  /** The conflict `step` on, around the end; those still open come first. */
  next(step: 1 | -1): void {
    const { hunks, current } = this.state.get();
    const { length } = hunks;
    if (length === 0) return;
    for (let count = 1; count <= length; count += 1) {
      const index = (current + step * count + length * count) % length;
      if (hunks[index] === 'open') return this.select(index);
    }
    this.select((current + step + length) % length);
  }

  /** The conflict a place in the text belongs to. */
  at(offset: number): number | null {
    const index = this.hunks.findIndex(({ start, end }) => offset >= start && offset <= end);
    return index < 0 ? null : index;
  }

  private edit(edits: readonly TextEdit[]): void {
    const needed = edits.filter(({ start, end, text }) => this.value.slice(start, end) !== text);
    if (needed.length === 0) return;
    if (this.editor) this.editor(needed);
    else this.changed(needed);
  }

  private tell(): void {
    this.state.update((old) => ({ ...old, hunks: this.states() }));
  }

  private states(): HunkState[] {
    return this.hunks.map((hunk) => {
      const text = this.textOf(hunk);
      if (text === hunk.initial && !hunk.decided) return 'open';
      const choices = ['mine', 'theirs', 'both'] as const;
      const taken = choices.find((choice) => text === wanted(hunk, choice));
      return taken ?? (text === hunk.initial ? 'kept' : 'edited');
    });
  }

  private textOf({ start, end }: Hunk): string {
    return this.value.slice(start, end);
  }

  private hunk(index: number): Hunk {
    const hunk = this.hunks[index];
    if (!hunk) throw new Error(`there is no conflict ${index}`);
    return hunk;
  }

  private compose(): string {
    const { pieces } = this.merged;
    let text = '';
    for (const [index, piece] of pieces.entries()) {
      if (piece.kind !== 'conflict') {
        text += stretch(piece.lines, false, text.length);
        continue;
      }
      // The last lines of a text end with nothing: the line end before them is theirs.
      const atEnd = index === pieces.length - 1;
      if (atEnd) text = text.slice(0, -1);
      const start = text.length;
      const initial = stretch(piece.conflict.base, atEnd, start);
      text += initial;
      this.hunks.push({
        conflict: piece.conflict,
        start,
        end: text.length,
        atEnd,
        initial,
        decided: false,
      });
    }
    return pieces.at(-1)?.kind === 'conflict' ? text : text.slice(0, -1);
  }
}

/** Lines with their line ends, as they stand at `start` of a text. */
function stretch(lines: readonly string[], atEnd: boolean, start: number): string {
  if (!atEnd) return lines.map((line) => `${line}\n`).join('');
  return start === 0 ? lines.join('\n') : lines.map((line) => `\n${line}`).join('');
}

function wanted({ conflict, atEnd, start }: Hunk, choice: Choice): string {
  const { mine, theirs } = conflict;
  return stretch(choice === 'both' ? [...mine, ...theirs] : conflict[choice], atEnd, start);
}

/** What is typed at the first character of a stretch, or into it, belongs to it; at its end to what follows. */
function move(hunk: Hunk, start: number, end: number, length: number): void {
  const grown = length - (end - start);
  const empty = hunk.start === hunk.end;
  if (end < hunk.start || (end === hunk.start && start < end)) {
    hunk.start += grown;
    hunk.end += grown;
  } else if (start > hunk.end || (start === hunk.end && !empty)) {
    return;
  } else {
    hunk.end = Math.max(hunk.end + grown, start + length);
    hunk.start = Math.min(hunk.start, start);
  }
}
