/** Shows its children to a signed-in user, and the sign-in page in their place to everybody else. */
'use client';

import type { ReactNode } from 'react';
import { Button } from '@/components/button';
import { Failure, Loading } from '@/components/states';
import { useAuth } from './auth-context';
import { SignIn } from './sign-in';

export function AuthGate({ children }: { children: ReactNode }) {
  const { state, retry } = useAuth();
  switch (state.kind) {
    case 'loading':
      return (
        <main className="h-dvh">
          <Loading />
        </main>
      );
    case 'failed':
      return (
        <main className="h-dvh">
          <Failure title="Carrel cannot be reached" actions={<Button onClick={retry}>Try again</Button>}>
            {state.message}
          </Failure>
        </main>
      );
    case 'signed_out':
      return <SignIn ended={state.ended} />;
    case 'signed_in':
      return children;
  }
}
