import { describe, expect, it } from 'vitest';
import type { ReviewStep, Thread } from '@/api/types';
import { AUTHOR, HOLDER, REVIEW, comment, thread } from './review-fixture';
import { baseWords, changeWords, count, staleVerdict, stepWords, turnWords } from './review-words';
import { canApply, tally, threadActions } from './thread-rules';

function step(more: Partial<ReviewStep>): ReviewStep {
  return {
    number: 1,
    action: 'submit',
    by: AUTHOR,
    from: 'draft',
    to: 'pending',
    round: 1,
    why: '',
    at: '',
    ...more,
  };
}

describe('a review in words', () => {
  it.each([
    [step({}), 'Ada submitted round 1'],
    [step({ action: 'claim', by: HOLDER }), 'Bob claimed it'],
    [step({ action: 'hand_over', by: HOLDER, reviewer: AUTHOR }), 'Bob handed it over to Ada'],
    [step({ action: 'release', by: null }), 'It was released, since its reviewer did nothing for too long'],
    [step({ action: 'request_changes', by: HOLDER, round: 3 }), 'Bob requested changes of round 3'],
    [step({ action: 'claim', by: { ...HOLDER, display_name: '\u202egnp' } }), '\ufffdgnp claimed it'],
  ])('says a step', (one, words) => expect(stepWords(one)).toBe(words));

  it('says whose turn it is', () => {
    expect(turnWords(REVIEW)).toBe('Your turn');
    expect(turnWords({ ...REVIEW, your_turn: false })).toBe('Bob’s turn');
    expect(turnWords({ ...REVIEW, your_turn: false, turn: { who: 'author' } })).toBe('Ada’s turn');
    expect(turnWords({ ...REVIEW, your_turn: false, turn: { who: 'nobody' } })).toBe('Over');
  });

  it('says what became of a file', () => {
    const entry = { kind: 'file', size: 1, executable: false } as const;
    expect(changeWords({ status: 'renamed', former_path: 'a\n.py', old: entry, new: entry })).toBe(
      'Renamed from a\ufffd.py',
    );
    expect(changeWords({ status: 'mode', old: entry, new: { ...entry, executable: true } })).toBe(
      'Mode changed, can be run now',
    );
    expect(changeWords({ status: 'modified', old: entry, new: { ...entry, kind: 'symlink' } })).toBe(
      'Changed, was a file, is a link',
    );
    expect([baseWords({ kind: 'empty' }), baseWords({ kind: 'round', round: 2 })]).toEqual([
      'nothing',
      'round 2',
    ]);
    expect([count(1, 'draft'), count(2, 'draft')]).toEqual(['1 draft', '2 drafts']);
  });

  it('knows a verdict that is stale', () => {
    const verdict = step({ action: 'request_changes', by: HOLDER, round: 1 });
    expect(staleVerdict([step({}), verdict], 1)).toBeNull();
    expect(staleVerdict([step({}), verdict, step({ round: 2 })], 2)).toBe(verdict);
    expect(staleVerdict([step({})], 2)).toBeNull();
  });
});

describe('what one may do to a thread', () => {
  const actions = (more: Partial<Thread>, user: string, state: typeof REVIEW.state = 'in_review') =>
    threadActions(thread(more), { ...REVIEW, state }, user);

  it('is what the server allows', () => {
    // By author, opener, holder, somebody else; as `thread.rs` has it.
    const opened = { comments: [comment({ author: { ...HOLDER, id: 'opener' } })] };
    for (const [state, author, looksAfter] of [
      ['open', ['resolve'], ['resolve', 'verify']],
      ['resolved', ['reopen'], ['verify', 'reopen']],
      ['verified', [], ['reopen']],
    ] as const) {
      expect(actions({ ...opened, state }, 'author')).toEqual(author);
      expect(actions({ ...opened, state }, 'opener')).toEqual(looksAfter);
      expect(actions({ ...opened, state }, 'holder')).toEqual(looksAfter);
      expect(actions({ ...opened, state }, 'other')).toEqual([]);
    }
    expect(actions({}, 'holder', 'approved')).toEqual([]);
    expect(actions({ draft: true }, 'holder')).toEqual([]);
    // An author’s own thread is seen to be settled by somebody else.
    expect(actions({ comments: [comment({ author: AUTHOR })] }, 'author')).toEqual(['resolve']);
  });

  it('leaves suggested edits to the author, once', () => {
    const edit = { replacement: 'x\n' };
    expect(canApply(comment({ suggestion: edit }), REVIEW, 'author')).toBe(true);
    expect(canApply(comment({ suggestion: edit }), REVIEW, 'holder')).toBe(false);
    expect(canApply(comment({ suggestion: edit }), { ...REVIEW, session: null }, 'author')).toBe(false);
    expect(
      canApply(comment({ suggestion: { ...edit, applied_at: '2026-01-01T00:00:00Z' } }), REVIEW, 'author'),
    ).toBe(false);
    expect(canApply(comment(), REVIEW, 'author')).toBe(false);
  });

  it('counts what matters for a verdict', () => {
    const found = tally([
      thread(),
      thread({ id: 't2', draft: true, comments: [comment({ draft: true }), comment({ draft: true })] }),
      thread({
        id: 't3',
        kind: 'praise',
        blocking: false,
        state: 'resolved',
        comments: [comment({ draft: true })],
      }),
    ]);
    expect(found.drafts).toBe(3);
    expect(found.blocking.map(({ id }) => id)).toEqual(['t1']);
    expect(found.draftIssues.map(({ id }) => id)).toEqual(['t2']);
    expect(found.open).toBe(1);
  });
});
