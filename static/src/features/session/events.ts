/**
 * Wire format of `carrel.session.v1`: JSON text frames from the server, nothing from us.
 * The frames carry the same `Session`, `Item` and `Terminal` as the HTTP interface.
 */
import type { Item, Session, SessionState, Terminal } from '@/api/types';
import { isRecord } from '@/lib/storage';

export const PROTOCOL = 'carrel.session.v1';

/** Stages of a start, in the order in which they come. */
export const STAGES = ['queued', 'image', 'container', 'agent', 'restore', 'ready'] as const;
export type Stage = (typeof STAGES)[number];

export interface Progress {
  stage: Stage;
  text: string;
  done: number | null;
  total: number | null;
}

/** What has become of one path; `null` when it is gone. */
export interface TreeChange {
  path: string;
  item: Item | null;
}

export type SessionEvent =
  /** First frame of each connection. */
  | { type: 'hello'; session: Session }
  | { type: 'state'; state: SessionState; reason: string | null }
  | { type: 'progress'; progress: Progress }
  | { type: 'tree'; changes: TreeChange[] }
  /** Too much has changed to list: read the tree again. */
  | { type: 'tree_refetch' }
  /** What is in the sandbox and not kept is not what it was: read that list again. */
  | { type: 'unkept' }
  | { type: 'terminals'; items: Terminal[] }
  /** The session will end then; `null`: not any more. */
  | { type: 'ending'; at: string | null; why: EndsWhy | null }
  | { type: 'usage'; usage: LiveUsage }
  | { type: 'notice'; level: string; text: string };

/** Why an end is announced: nobody uses the session, or it has lived as long as it may. */
export type EndsWhy = NonNullable<Session['ends_why']>;

/** What the sandbox uses right now. Named as on the wire. */
export interface LiveUsage {
  /** Of one CPU: 150 is one and a half. */
  cpu_percent: number;
  cpus: number;
  memory_bytes: number;
  memory_limit_bytes: number;
  disk_bytes: number;
  disk_limit_bytes: number;
  processes: number;
  processes_limit: number;
}

const USAGE_FIELDS = [
  'cpu_percent',
  'cpus',
  'memory_bytes',
  'memory_limit_bytes',
  'disk_bytes',
  'disk_limit_bytes',
  'processes',
  'processes_limit',
] as const satisfies readonly (keyof LiveUsage)[];

const STATES: readonly string[] = ['cold', 'starting', 'ready', 'stopping', 'failed', 'deleted'];

/** The event in a frame; `null` for what this page does not know. */
export function parseEvent(text: string): SessionEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  switch (value['type']) {
    case 'hello':
      return isSession(value['session']) ? { type: 'hello', session: value['session'] } : null;
    case 'state':
      return isState(value['state'])
        ? { type: 'state', state: value['state'], reason: textOrNull(value['reason']) }
        : null;
    case 'progress':
      return parseProgress(value);
    case 'tree':
      if (value['refetch'] === true) return { type: 'tree_refetch' };
      return Array.isArray(value['changes'])
        ? { type: 'tree', changes: value['changes'].filter(isChange) }
        : null;
    case 'unkept':
      return { type: 'unkept' };
    case 'terminals':
      return Array.isArray(value['items'])
        ? { type: 'terminals', items: value['items'].filter(isTerminal) }
        : null;
    case 'ending':
      return parseEnding(value);
    case 'usage':
      return parseUsage(value);
    case 'notice':
      return {
        type: 'notice',
        level: textOrNull(value['level']) ?? 'info',
        text: textOrNull(value['text']) ?? '',
      };
    default:
      return null;
  }
}

function parseProgress(value: Record<string, unknown>): SessionEvent | null {
  const stage = STAGES.find((known) => known === value['stage']);
  if (!stage) return null;
  return {
    type: 'progress',
    progress: {
      stage,
      text: textOrNull(value['text']) ?? '',
      done: numberOrNull(value['done']),
      total: numberOrNull(value['total']),
    },
  };
}

function parseEnding(value: Record<string, unknown>): SessionEvent | null {
  const { at, why } = value;
  if (at === null) return { type: 'ending', at: null, why: null };
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at))) return null;
  return { type: 'ending', at, why: why === 'idle' || why === 'life' ? why : null };
}

function parseUsage(value: Record<string, unknown>): SessionEvent | null {
  const numbers = USAGE_FIELDS.map((field) => [field, numberOrNull(value[field])] as const);
  if (numbers.some(([, number]) => number === null || number < 0)) return null;
  return { type: 'usage', usage: Object.fromEntries(numbers) as unknown as LiveUsage };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function isState(value: unknown): value is SessionState {
  return typeof value === 'string' && STATES.includes(value);
}

function isSession(value: unknown): value is Session {
  return isRecord(value) && typeof value['id'] === 'string' && isState(value['state']);
}

function isTerminal(value: unknown): value is Terminal {
  return isRecord(value) && typeof value['id'] === 'string';
}

function isChange(value: unknown): value is TreeChange {
  return (
    isRecord(value) &&
    typeof value['path'] === 'string' &&
    (value['item'] === null || (isRecord(value['item']) && typeof value['item']['path'] === 'string'))
  );
}
