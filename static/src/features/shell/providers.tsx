/** Everything every page stands on: theme, notices, questions, server data, the login. */
'use client';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ApiError } from '@/api/problem';
import { ConfirmProvider } from '@/components/confirm';
import { ThemeProvider } from '@/components/theme';
import { ToastProvider } from '@/components/toasts';
import { AuthProvider } from '@/features/auth/auth-context';

/** Retries of a read that may succeed next time; anything else is shown at once. */
const READ_RETRIES = 2;

export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (count, error) => count < READ_RETRIES && error instanceof ApiError && error.transient,
      },
      mutations: { retry: false },
    },
  });
}

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(newQueryClient);
  return (
    <QueryClientProvider client={client}>
      <ThemeProvider>
        <ToastProvider>
          <ConfirmProvider>
            <AuthProvider>{children}</AuthProvider>
          </ConfirmProvider>
        </ToastProvider>
      </ThemeProvider>
    </QueryClientProvider>
  );
}
