/** A review in words. */
import type {
  ChangeStatus,
  ChangedItem,
  Priority,
  Review,
  ReviewAction,
  ReviewDiff,
  ReviewPerson,
  ReviewState,
  ReviewStep,
  ThreadAction,
  ThreadKind,
  ThreadState,
} from '@/api/types';
import { displayName } from '@/lib/paths';

export function personName(person: Pick<ReviewPerson, 'display_name' | 'username'>): string {
  return displayName(person.display_name || person.username);
}

export const STATE_WORDS: Record<ReviewState, string> = {
  draft: 'Draft',
  pending: 'Waiting for a reviewer',
  in_review: 'In review',
  approved: 'Approved',
  rejected: 'Rejected',
  changes_requested: 'Changes requested',
  withdrawn: 'Withdrawn',
};

export const PRIORITY_WORDS: Record<Priority, string> = {
  low: 'Low priority',
  medium: 'Medium priority',
  high: 'High priority',
  urgent: 'Urgent',
};

/** What the button says that does it. */
export const ACTION_WORDS: Record<ReviewAction, string> = {
  submit: 'Submit new round',
  claim: 'Claim',
  decline: 'Decline',
  release: 'Release',
  hand_over: 'Hand over',
  approve: 'Approve',
  reject: 'Reject',
  request_changes: 'Request changes',
  withdraw: 'Withdraw',
  reopen: 'Reopen',
};

export const KIND_WORDS: Record<ThreadKind, string> = {
  general: 'Note',
  suggestion: 'Suggestion',
  issue: 'Issue',
  question: 'Question',
  praise: 'Praise',
};

export const THREAD_STATE_WORDS: Record<ThreadState, string> = {
  open: 'Open',
  resolved: 'Resolved',
  verified: 'Verified',
};

export const THREAD_ACTION_WORDS: Record<ThreadAction, string> = {
  resolve: 'Resolve',
  verify: 'Verify',
  reopen: 'Reopen',
};

export const STATUS_WORDS: Record<ChangeStatus | 'unchanged', string> = {
  added: 'Added',
  modified: 'Changed',
  deleted: 'Removed',
  renamed: 'Renamed',
  mode: 'Mode changed',
  unchanged: 'Unchanged',
};

/** Whose turn it is, as `user` is told. */
export function turnWords(review: Pick<Review, 'turn' | 'your_turn' | 'author' | 'reviewer'>): string {
  if (review.your_turn) return 'Your turn';
  switch (review.turn.who) {
    case 'author':
      return `${personName(review.author)}’s turn`;
    case 'reviewer':
      return review.reviewer ? `${personName(review.reviewer)}’s turn` : 'The reviewer’s turn';
    case 'wanted':
      return 'A reviewer who was asked is to take it';
    case 'queue':
      return 'Any reviewer may take it';
    case 'nobody':
      return 'Over';
  }
}

/** What a round is compared with. */
export function baseWords(base: ReviewDiff['from']): string {
  if (base.kind === 'round') return `round ${base.round ?? '?'}`;
  return base.kind === 'template' ? 'the template' : 'nothing';
}

/** What became of an item, beyond its status: `now runnable`, `link to x`. */
export function changeWords(item: Pick<ChangedItem, 'status' | 'former_path' | 'old' | 'new'>): string {
  const words: string[] = [STATUS_WORDS[item.status]];
  if (item.status === 'renamed' && item.former_path != null) {
    words[0] = `Renamed from ${displayName(item.former_path)}`;
  }
  const { old, new: now } = item;
  if (old && now && old.kind !== now.kind)
    words.push(`was a ${KIND_OF[old.kind]}, is a ${KIND_OF[now.kind]}`);
  else if (now?.kind === 'file' && old && old.executable !== now.executable) {
    words.push(now.executable ? 'can be run now' : 'cannot be run any more');
  }
  return words.join(', ');
}

export const KIND_OF = { file: 'file', folder: 'folder', symlink: 'link' } as const;

/** One step of the trail as a sentence without its time. */
export function stepWords(step: ReviewStep): string {
  const who = step.by ? personName(step.by) : 'Time';
  const whom = step.reviewer ? personName(step.reviewer) : 'another reviewer';
  switch (step.action) {
    case 'submit':
      return `${who} submitted round ${step.round}`;
    case 'claim':
      return `${who} claimed it`;
    case 'decline':
      return `${who} declined`;
    case 'release':
      return step.by ? `${who} released it` : 'It was released, since its reviewer did nothing for too long';
    case 'hand_over':
      return `${who} handed it over to ${whom}`;
    case 'approve':
      return `${who} approved round ${step.round}`;
    case 'reject':
      return `${who} rejected round ${step.round}`;
    case 'request_changes':
      return `${who} requested changes of round ${step.round}`;
    case 'withdraw':
      return `${who} withdrew it`;
    case 'reopen':
      return `${who} reopened it`;
  }
}

const VERDICTS: readonly ReviewAction[] = ['approve', 'reject', 'request_changes'];

/** The last verdict, if a newer round than it is about has been submitted since. */
export function staleVerdict(steps: readonly ReviewStep[], round: number): ReviewStep | null {
  const last = steps.findLast(({ action }) => VERDICTS.includes(action));
  return last && last.round < round ? last : null;
}

/** `1 draft`, `2 drafts`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
