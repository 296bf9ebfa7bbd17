/** Failures of the server as one error type with its stable `code`. */
import { isRecord } from '@/lib/storage';

/** Code used when no answer arrived at all. */
export const UNREACHABLE = 'unreachable';

/** Another server has the session; `serverUrl` says which. */
export const ELSEWHERE = 'session_elsewhere';

/** A sandbox that would end holds what could not be saved. */
export const NOT_SAVED = 'not_saved';

/** A folder that would go holds what is only in the sandbox. */
export const HOLDS_UNKEPT = 'holds_unkept';

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly etag: string | null = null,
    /** Where the request should go instead, as the server names it: not to be followed unchecked. */
    readonly serverUrl: string | null = null,
    /** Where the next chunk of an upload begins. */
    readonly offset: number | null = null,
  ) {
    super(message);
  }

  /** Whether trying the very same request again may help. */
  get transient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** The error for a response that is not a success. */
export async function errorFrom(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  return errorFromBody(response, body);
}

/** The same when the body has been read already. */
export function errorFromBody(response: Response, body: unknown): ApiError {
  const field = (name: string): string | undefined => {
    const value = isRecord(body) ? body[name] : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const message = field('detail') ?? field('title') ?? `The server answered ${response.status}.`;
  return new ApiError(
    response.status,
    field('code') ?? `http_${response.status}`,
    message,
    response.headers.get('etag'),
    field('server_url') ?? null,
    isRecord(body) && typeof body['offset'] === 'number' ? body['offset'] : null,
  );
}

/** The error for a request that got no answer. */
export function unreachable(): ApiError {
  return new ApiError(0, UNREACHABLE, 'The server cannot be reached. Check your connection.');
}

/** Words for any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
