/** Who is signed in. A 401 anywhere ends the login here, and the gate then asks for a new one in place. */
'use client';

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { api, onSignedOut, unwrap } from '@/api/client';
import { ApiError, messageOf } from '@/api/problem';
import type { User } from '@/api/types';
import { draftTable } from '@/features/editor/draft-database';
import { allowDrafts, forgetDrafts, stopDrafts } from '@/features/editor/drafts';
import { forgetComposed } from '@/features/review/composed';

export type AuthState =
  | { kind: 'loading' }
  /** `ended`: somebody was signed in here until a moment ago, and it was not here that they signed out. */
  | { kind: 'signed_out'; ended: boolean }
  | { kind: 'signed_in'; user: User }
  | { kind: 'failed'; message: string };

interface AuthValue {
  state: AuthState;
  /** Call with the user an answer of the server named. */
  signedIn: (user: User) => void;
  /** Ends the login; what this browser kept of the user's unsaved text goes with it. */
  signOut: () => Promise<void>;
  retry: () => void;
}

const ME = ['me'] as const;

const AuthContext = createContext<AuthValue | null>(null);

export function useAuth(): AuthValue {
  const value = useContext(AuthContext);
  if (!value) throw new Error('useAuth needs an AuthProvider');
  return value;
}

/** The signed-in user, below the gate. */
export function useUser(): User {
  const { state } = useAuth();
  if (state.kind !== 'signed_in') throw new Error('useUser needs a signed-in user');
  return state.user;
}

async function fetchMe(): Promise<User | null> {
  try {
    return await unwrap(api.GET('/api/v1/me'));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export function AuthProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const { data, error, isPending, refetch } = useQuery({ queryKey: ME, queryFn: fetchMe, staleTime: 60_000 });

  const [ended, setEnded] = useState(false);

  useEffect(
    () =>
      onSignedOut(() => {
        if (client.getQueryData(ME)) setEnded(true);
        client.setQueryData(ME, null);
      }),
    [client],
  );

  const signedIn = useCallback(
    (user: User) => {
      // Nothing another user of this browser saw may be shown to this one.
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== ME[0] });
      client.setQueryData(ME, user);
      setEnded(false);
      allowDrafts(user.id);
    },
    [client],
  );

  const signOut = useCallback(async () => {
    const user = client.getQueryData<User | null>(ME);
    // Before the answer: other tabs hear of the end of the login as soon as the server does.
    if (user) stopDrafts(user.id);
    try {
      await unwrap(api.POST('/api/v1/auth/logout'));
    } catch (error) {
      if (user) allowDrafts(user.id);
      throw error;
    }
    client.setQueryData(ME, null);
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== ME[0] });
    if (!user) return;
    forgetComposed(user.id);
    await forgetDrafts(draftTable(), user.id);
  }, [client]);

  const value = useMemo<AuthValue>(() => {
    const state: AuthState = data
      ? { kind: 'signed_in', user: data }
      : data === null
        ? { kind: 'signed_out', ended }
        : isPending
          ? { kind: 'loading' }
          : { kind: 'failed', message: messageOf(error) };
    return { state, signedIn, signOut, retry: () => void refetch() };
  }, [data, ended, error, isPending, refetch, signedIn, signOut]);

  return <AuthContext value={value}>{children}</AuthContext>;
}
