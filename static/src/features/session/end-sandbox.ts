/** Stopping and restarting: what could not be saved is given up only by its user. */
import { ApiError, NOT_SAVED } from '@/api/problem';
import type { Session } from '@/api/types';
import type { Question } from '@/components/confirm';
import { reasonWords } from './reason';
import { restartSession, stopSession } from './session-api';

const ENDS = { stop: stopSession, restart: restartSession } as const;

export type End = keyof typeof ENDS;

const WORDS: Record<End, [verb: string, gerund: string]> = {
  stop: ['Stop', 'Stopping'],
  restart: ['Restart', 'Restarting'],
};

/** Resolves to whether its user gives up what could not be saved. */
export type AskToGiveUp = (end: End, why: string) => Promise<boolean>;

/** Ends a sandbox; `null` where its user rather keeps what could not be saved. */
export async function endSandbox(end: End, id: string, ask: AskToGiveUp): Promise<Session | null> {
  try {
    return await ENDS[end](id);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === NOT_SAVED)) throw error;
    return (await ask(end, error.message)) ? ENDS[end](id, true) : null;
  }
}

/** What its user is asked; `why` is in the server's words. */
export function giveUpQuestion(end: End, why: string | null | undefined): Question {
  const [verb, gerund] = WORDS[end];
  return {
    title: `${verb} without saving?`,
    text: `${reasonWords(why)}. ${gerund} now gives up what could not be saved.`,
    yes: `${verb} without saving`,
    danger: true,
  };
}
