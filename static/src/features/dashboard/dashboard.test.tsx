import { fireEvent, screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthGate } from '@/features/auth/auth-gate';
import { USER, json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { Dashboard } from './dashboard';

const push = vi.hoisted(() => vi.fn());
vi.mock('next/navigation', () => ({ useRouter: () => ({ push }), usePathname: () => '/' }));

const SESSION = {
  id: '22222222-2222-4222-8222-222222222222',
  name: 'Cities',
  state: 'cold',
  reason: 'idle for 30 minutes',
  created_at: '2026-01-01T00:00:00Z',
  last_active_at: '2026-01-01T00:00:00Z',
  quotas: { memory_mb: 512, cpus: 1, pids: 128, disk_mb: 256 },
  usage: { items: 2, bytes: 2048 },
};

function open(routes: Record<string, Route>): void {
  serve({ 'GET /me': () => json(USER), ...routes });
  renderPage(
    <AuthGate>
      <Dashboard />
    </AuthGate>,
  );
}

beforeEach(() => push.mockReset());

describe('the dashboard', () => {
  it('says that it is loading', async () => {
    open({ 'GET /sessions': never });
    expect(await screen.findByText('Loading sessions…')).toBeInTheDocument();
  });

  it('invites to make a first session', async () => {
    open({ 'GET /sessions': () => json({ items: [], next: null }) });
    expect(await screen.findByText('No sessions yet')).toBeInTheDocument();
  });

  it('shows the problem of the server and tries again', async () => {
    let down = true;
    open({
      'GET /sessions': () =>
        down ? problem(503, 'unavailable', 'The database is away.') : json({ items: [SESSION], next: null }),
    });
    expect(await screen.findByText('The database is away.')).toBeInTheDocument();
    down = false;
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('link', { name: 'Cities' })).toBeInTheDocument();
  });

  it('lists all pages of sessions with their state and why they stopped', async () => {
    const next = {
      ...SESSION,
      id: SESSION.id.replaceAll('2', '3'),
      name: 'Weather',
      state: 'ready',
      reason: null,
    };
    open({
      'GET /sessions': (request) =>
        new URL(request.url).searchParams.get('cursor') === 'more'
          ? json({ items: [next], next: null })
          : json({ items: [SESSION], next: 'more' }),
    });
    const rows = await screen.findAllByRole('listitem');
    expect(rows).toHaveLength(2);
    expect(rows[0]).toHaveTextContent('idle for 30 minutes');
    expect(within(rows[0] as HTMLElement).getByRole('link')).toHaveAttribute('href', `/s/${SESSION.id}`);
    expect(rows[1]).toHaveTextContent('Running');
  });

  it('creates a session and opens it', async () => {
    const create = vi.fn(async (request: Request) =>
      json({ ...SESSION, ...((await request.json()) as object) }, 201),
    );
    open({ 'GET /sessions': () => json({ items: [], next: null }), 'POST /sessions': create });
    fireEvent.click((await screen.findAllByRole('button', { name: 'New session' }))[0] as HTMLElement);
    fireEvent.change(await screen.findByLabelText('Name'), { target: { value: '  Weather ' } });
    fireEvent.click(screen.getByRole('button', { name: 'Create' }));
    await vi.waitFor(() => expect(push).toHaveBeenCalledWith(`/s/${SESSION.id}/`));
  });

  it('keeps the dialog open with the reason when the server refuses', async () => {
    open({
      'GET /sessions': () => json({ items: [], next: null }),
      'POST /sessions': () => problem(429, 'session_limit', 'You have all the sessions you may have.'),
    });
    fireEvent.click((await screen.findAllByRole('button', { name: 'New session' }))[0] as HTMLElement);
    fireEvent.click(await screen.findByRole('button', { name: 'Create' }));
    expect(await screen.findByText('You have all the sessions you may have.')).toBeInTheDocument();
    expect(push).not.toHaveBeenCalled();
  });
});
