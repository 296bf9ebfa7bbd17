/** Renders a page inside everything it stands on, against a server the test writes. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { vi } from 'vitest';
import { ConfirmProvider } from '@/components/confirm';
import { ToastProvider } from '@/components/toasts';
import { AuthProvider } from '@/features/auth/auth-context';

export const USER = {
  id: '11111111-1111-4111-8111-111111111111',
  username: 'ada',
  email: 'ada@example.org',
  display_name: 'Ada',
  role: 'user',
  created_at: '2026-01-01T00:00:00Z',
};

/** What a session tells beside itself: what applies to all of its user's. */
export const TERMS = {
  quotas: { memory_mb: 512, cpus: 1, pids: 128, disk_mb: 256 },
  limits: { max_file_mb: 64, max_total_mb: 240, max_items: 50_000 },
  undelete_days: 7,
};

export type Route = (request: Request) => Response | Promise<Response>;

/** Answers by `METHOD /path` below `/api/v1`; anything else is 404. */
export function serve(routes: Record<string, Route>): void {
  vi.stubGlobal('fetch', async (input: Request | string, init?: RequestInit) => {
    const request = typeof input === 'string' ? new Request(new URL(input, location.href), init) : input;
    const key = `${request.method} ${new URL(request.url).pathname.replace('/api/v1', '')}`;
    const route = routes[key];
    return route ? route(request) : problem(404, 'not_found', 'Not found.');
  });
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
}

export function problem(status: number, code: string, detail: string): Response {
  return new Response(JSON.stringify({ type: 'about:blank', title: code, status, code, detail }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  });
}

export function never(): Promise<Response> {
  return new Promise(() => undefined);
}

export function renderPage(page: ReactNode): ReturnType<typeof render> {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={client}>
      <ToastProvider>
        <ConfirmProvider>
          <AuthProvider>{page}</AuthProvider>
        </ConfirmProvider>
      </ToastProvider>
    </QueryClientProvider>,
  );
}
