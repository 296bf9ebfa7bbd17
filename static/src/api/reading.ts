/** What is in a review's rounds, what is said of it, and runs of it. */
import { encodePath } from '@/lib/paths';
import { API_BASE, api, request, unwrap } from './client';
import type { FileContent } from './files';
import { ApiError, errorFrom } from './problem';
import type {
  ChangedItem,
  FormerComment,
  NewComment,
  ReviewDiff,
  Reviewer,
  Run,
  Suggestion,
  Thread,
  ThreadAction,
} from './types';

/** Items asked for at once: the server's largest page. */
const DIFF_PAGE = 5_000;

/** What a round is compared with: a round's number, the one before, the last one seen, or the beginning. */
export type CompareWith = number | 'previous' | 'seen' | 'start';

/** What a file's content is asked for of: a round, or what the session had begun with. */
export type RoundName = number | 'start';

/** All that a round has changed. */
export async function fetchDiff(
  review: string,
  round: number,
  from: CompareWith,
  signal: AbortSignal,
): Promise<ReviewDiff> {
  const items: ChangedItem[] = [];
  let cursor: string | null = null;
  for (;;) {
    const query = { round, from: `${from}`, limit: DIFF_PAGE, ...(cursor === null ? {} : { cursor }) };
    const page: ReviewDiff = await unwrap(
      api.GET('/api/v1/reviews/{id}/diff', { params: { path: { id: review }, query }, signal }),
    );
    items.push(...page.items);
    cursor = page.next ?? null;
    if (cursor === null) return { ...page, items };
  }
}

export function roundFileUrl(review: string, path: string, round: RoundName): string {
  return `${API_BASE}/reviews/${review}/files/${encodePath(path)}?round=${round}`;
}

export async function readRoundFile(
  review: string,
  path: string,
  round: RoundName,
  signal: AbortSignal,
): Promise<FileContent> {
  const response = await request(roundFileUrl(review, path, round), { signal });
  if (!response.ok) throw await errorFrom(response);
  return {
    bytes: new Uint8Array(await response.arrayBuffer()),
    etag: response.headers.get('etag') ?? '',
  };
}

/** Marks a file as viewed as it is in a round, or takes the mark away. */
export async function setViewed(review: string, path: string, round: number, viewed: boolean): Promise<void> {
  const url = `${API_BASE}/reviews/${review}/viewed/${encodePath(path)}${viewed ? `?round=${round}` : ''}`;
  const response = await request(url, { method: viewed ? 'PUT' : 'DELETE' });
  if (!response.ok) throw await errorFrom(response);
}

/** Notes that a round was looked at. */
export async function seeRound(review: string, round: number): Promise<void> {
  await unwrap(api.POST('/api/v1/reviews/{id}/seen', { params: { path: { id: review } }, body: { round } }));
}

/** All threads, with where they are in a round. */
export async function fetchThreads(review: string, round: number, signal: AbortSignal): Promise<Thread[]> {
  const params = { path: { id: review }, query: { round } };
  return (await unwrap(api.GET('/api/v1/reviews/{id}/comments', { params, signal }))).items;
}

export function addComment(review: string, body: NewComment): Promise<Thread> {
  return unwrap(api.POST('/api/v1/reviews/{id}/comments', { params: { path: { id: review } }, body }));
}

export async function editComment(
  review: string,
  comment: string,
  text: string,
  suggestion: Pick<Suggestion, 'replacement'> | null,
): Promise<void> {
  const params = { path: { id: review, cid: comment } };
  const body = { text, ...(suggestion ? { suggestion } : {}) };
  await unwrap(api.PATCH('/api/v1/reviews/{id}/comments/{cid}', { params, body }));
}

export async function discardDraft(review: string, comment: string): Promise<void> {
  const params = { path: { id: review, cid: comment } };
  await unwrap(api.DELETE('/api/v1/reviews/{id}/comments/{cid}', { params }));
}

/** What a comment has said before, the first first. */
export async function fetchFormer(review: string, comment: string): Promise<FormerComment[]> {
  const params = { path: { id: review, cid: comment } };
  return (await unwrap(api.GET('/api/v1/reviews/{id}/comments/{cid}/history', { params }))).items;
}

export function settleThread(review: string, thread: string, action: ThreadAction): Promise<Thread> {
  const params = { path: { id: review, tid: thread } };
  return unwrap(api.POST('/api/v1/reviews/{id}/threads/{tid}', { params, body: { action } }));
}

/** Publishes one's drafts; how many there were. */
export async function publishDrafts(review: string): Promise<number> {
  const params = { path: { id: review } };
  return (await unwrap(api.POST('/api/v1/reviews/{id}/publish', { params }))).published;
}

/** Suggested edits taken over at a time. */
export const MOST_APPLIED = 100;

/** Takes suggested edits over into one's session: all or none. Resolves to the files that have changed there. */
export async function applySuggestions(review: string, comments: readonly string[]): Promise<string[]> {
  const params = { path: { id: review } };
  const body = { comments: [...comments] };
  return (await unwrap(api.POST('/api/v1/reviews/{id}/apply', { params, body }))).paths;
}

/** The run one has of a review, if there is one. */
export async function fetchRun(review: string): Promise<Run | null> {
  try {
    return await unwrap(api.GET('/api/v1/reviews/{id}/run', { params: { path: { id: review } } }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** Runs a round; one that runs already goes on. */
export function runRound(review: string, round: number): Promise<Run> {
  const params = { path: { id: review } };
  return unwrap(api.POST('/api/v1/reviews/{id}/run', { params, body: { round } }));
}

/** Throws the run away, with all that was done in it. */
export async function endRun(review: string): Promise<void> {
  await unwrap(api.DELETE('/api/v1/reviews/{id}/run', { params: { path: { id: review } } }));
}

/** Reviewers asked for at once, and at most. */
const REVIEWER_PAGE = 200;
const MOST_REVIEWERS = 1_000;

/** Who a review can be handed over to: those who take something first. */
export async function fetchReviewers(): Promise<Reviewer[]> {
  const reviewers: Reviewer[] = [];
  let cursor: string | null = null;
  do {
    const query = { limit: REVIEWER_PAGE, ...(cursor === null ? {} : { cursor }) };
    const page: { items: Reviewer[]; next?: string | null } = await unwrap(
      api.GET('/api/v1/reviewers', { params: { query } }),
    );
    reviewers.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor !== null && reviewers.length < MOST_REVIEWERS);
  return reviewers;
}
