/** The typed HTTP client, generated types in and `ApiError` out. */
import createClient from 'openapi-fetch';
import { noteServerTime } from '@/lib/server-clock';
import { errorFromBody, unreachable } from './problem';
import type { paths } from './schema';

export const API_BASE = '/api/v1';

type Listener = () => void;
const signedOutListeners = new Set<Listener>();

/** Runs `listener` whenever the server says that nobody is signed in any more. */
export function onSignedOut(listener: Listener): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

/** Tells everybody interested that the login has ended. */
export function reportSignedOut(): void {
  for (const listener of [...signedOutListeners]) listener();
}

/** `fetch` that turns a missing answer into an `ApiError` and notices an ended login. */
export async function request(input: Request | string, init?: RequestInit): Promise<Response> {
  const url = typeof input === 'string' ? input : input.url;
  let response: Response;
  try {
    response = await globalThis.fetch(input, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw unreachable();
  }
  noteServerTime(response.headers.get('date'));
  // A refused sign-in is the form's business, not the end of a login.
  if (response.status === 401 && !url.includes(`${API_BASE}/auth/`)) reportSignedOut();
  return response;
}

export const api = createClient<paths>({
  baseUrl: typeof window === 'undefined' ? 'http://localhost' : window.location.origin,
  fetch: (input) => request(input),
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws its problem. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw errorFromBody(response, error);
  // An empty 204 has no data; its callers ask for none.
  return data as T;
}
