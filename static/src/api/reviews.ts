/** Review requests: what they are, their rounds, and what is done to them. */
import { api, unwrap } from './client';
import type { Review, ReviewAction, ReviewRound, ReviewStep } from './types';

export function getReview(id: string): Promise<Review> {
  return unwrap(api.GET('/api/v1/reviews/{id}', { params: { path: { id } } }));
}

/** A review's rounds, the first first. */
export async function listRounds(id: string): Promise<ReviewRound[]> {
  return (await unwrap(api.GET('/api/v1/reviews/{id}/rounds', { params: { path: { id } } }))).items;
}

/** Submits what the session holds as the next round. */
export function submitRound(id: string, body: { note: string }): Promise<Review> {
  return unwrap(api.POST('/api/v1/reviews/{id}/rounds', { params: { path: { id } }, body }));
}

/** Steps asked for at once: the server's largest page. */
const STEP_PAGE = 200;

/** A page of what was done to a review, the first first. */
export function listSteps(
  id: string,
  cursor: string | null,
): Promise<{ items: ReviewStep[]; next?: string | null }> {
  const query = { limit: STEP_PAGE, ...(cursor === null ? {} : { cursor }) };
  return unwrap(api.GET('/api/v1/reviews/{id}/events', { params: { path: { id }, query } }));
}

export interface Step {
  action: ReviewAction;
  /** With a verdict: the round that was looked at. */
  round?: number;
  /** With a hand-over: who gets it. */
  to?: string;
  why: string;
}

export function takeStep(id: string, body: Step): Promise<Review> {
  return unwrap(api.POST('/api/v1/reviews/{id}/events', { params: { path: { id } }, body }));
}
