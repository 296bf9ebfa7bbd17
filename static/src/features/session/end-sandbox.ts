/** Stopping, restarting and deleting: what could not be saved is given up only by its user. */
import { ApiError, NOT_SAVED } from '@/api/problem';
import type { Session } from '@/api/types';
import type { Question } from '@/components/confirm';
import { reasonWords } from './reason';
import { deleteSession, restartSession, stopSession } from './session-api';

const ENDS = { stop: stopSession, restart: restartSession } as const;

export type End = keyof typeof ENDS;

const WORDS: Record<End | 'delete', [verb: string, gerund: string, yes: string]> = {
  stop: ['Stop', 'Stopping', 'Stop without saving'],
  restart: ['Restart', 'Restarting', 'Restart without saving'],
  delete: ['Delete', 'Deleting', 'Delete anyway'],
};

/** Resolves to whether its user gives up what could not be saved. */
export type AskToGiveUp<E = End> = (end: E, why: string) => Promise<boolean>;

/** Ends a sandbox; `null` where its user rather keeps what could not be saved. */
export function endSandbox(end: End, id: string, ask: AskToGiveUp): Promise<Session | null> {
  return unlessKept(
    (discard) => ENDS[end](id, discard),
    (why) => ask(end, why),
  );
}

/** Deletes a session; `false` where its user rather keeps what could not be saved. */
export async function deleteUnlessKept(id: string, ask: AskToGiveUp<'delete'>): Promise<boolean> {
  const deleted = (discard: boolean) => deleteSession(id, discard).then(() => true);
  return (await unlessKept(deleted, (why) => ask('delete', why))) ?? false;
}

async function unlessKept<T>(
  request: (discard: boolean) => Promise<T>,
  ask: (why: string) => Promise<boolean>,
): Promise<T | null> {
  try {
    return await request(false);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === NOT_SAVED)) throw error;
    return (await ask(error.message)) ? request(true) : null;
  }
}

/** What its user is asked; `why` is in the server's words. */
export function giveUpQuestion(end: keyof typeof WORDS, why: string | null | undefined): Question {
  const [verb, gerund, yes] = WORDS[end];
  return {
    title: `${verb} without saving?`,
    text: `${reasonWords(why)}. ${gerund} now gives up what could not be saved.`,
    yes,
    danger: true,
  };
}
