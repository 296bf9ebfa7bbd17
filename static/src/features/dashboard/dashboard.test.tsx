import { cleanup, fireEvent, screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthGate } from '@/features/auth/auth-gate';
import { TERMS, USER, json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { Dashboard } from './dashboard';

const push = vi.hoisted(() => vi.fn());
vi.mock('next/navigation', () => ({ useRouter: () => ({ push }), usePathname: () => '/' }));

const SESSION = {
  id: '22222222-2222-4222-8222-222222222222',
  name: 'Cities',
  state: 'cold',
  reason: 'stopped after 30 min without use',
  created_at: '2026-01-01T00:00:00Z',
  last_active_at: '2026-01-01T00:00:00Z',
  ...TERMS,
  usage: { items: 2, bytes: 2048 },
};

const NONE = { items: [], next: null };

/** Whether the deleted sessions are asked for. */
function isDeleted(request: Request): boolean {
  return new URL(request.url).searchParams.get('deleted') === 'true';
}

/** Sessions by `GET /sessions`, and deleted ones by `deleted`. */
function open(routes: Record<string, Route>, deleted: Route = () => json(NONE)): void {
  const { 'GET /sessions': list = () => json(NONE), ...others } = routes;
  serve({
    'GET /me': () => json(USER),
    'GET /sessions': (request) => (isDeleted(request) ? deleted(request) : list(request)),
    ...others,
  });
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
    await screen.findByRole('link', { name: 'Weather' });
    const rows = screen.getAllByRole('listitem');
    expect(rows).toHaveLength(2);
    expect(rows[0]).toHaveTextContent('Stopped after 30 min without use');
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

  it('counts down to an announced end and puts it off', async () => {
    const ending = { ...SESSION, state: 'ready', reason: null, ends_why: 'idle' };
    let at: string | null = new Date(Date.now() + 90_500).toISOString();
    const extend = vi.fn(() => {
      at = null;
      return json({ ...ending, ends_at: null });
    });
    open({
      'GET /sessions': () => json({ items: [{ ...ending, ends_at: at }], next: null }),
      [`POST /sessions/${SESSION.id}/extend`]: extend,
    });
    expect(await screen.findByText(/^Stops in 1:\d\d$/)).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Extend' }));
    await vi.waitFor(() => expect(extend).toHaveBeenCalledTimes(1));
    await vi.waitFor(() => expect(screen.queryByText(/^Stops in/)).not.toBeInTheDocument());
  });

  it('starts and stops from the menu', async () => {
    const start = vi.fn(() => json({ ...SESSION, state: 'starting' }, 202));
    open({
      'GET /sessions': () => json({ items: [SESSION], next: null }),
      [`POST /sessions/${SESSION.id}/start`]: start,
    });
    fireEvent.keyDown(await screen.findByRole('button', { name: 'Actions for Cities' }), { key: 'Enter' });
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Start' }));
    await vi.waitFor(() => expect(start).toHaveBeenCalledTimes(1));
  });
});

it('asks before a stop from the list loses what is not saved', async () => {
  const stop = vi.fn<Route>((request) =>
    request.url.endsWith('?discard=true')
      ? json({ ...SESSION, state: 'stopping' }, 202)
      : problem(409, 'not_saved', 'the sandbox holds what could not be saved: big.bin'),
  );
  open({
    'GET /sessions': () => json({ items: [{ ...SESSION, state: 'ready' }], next: null }),
    [`POST /sessions/${SESSION.id}/stop`]: stop,
  });
  fireEvent.keyDown(await screen.findByRole('button', { name: 'Actions for Cities' }), { key: 'Enter' });
  fireEvent.click(await screen.findByRole('menuitem', { name: 'Stop' }));
  expect(await screen.findByText(/could not be saved: big\.bin/)).toBeInTheDocument();
  expect(stop).toHaveBeenCalledTimes(1);
  fireEvent.click(screen.getByRole('button', { name: 'Stop without saving' }));
  await vi.waitFor(() => expect(stop).toHaveBeenCalledTimes(2));
});

describe('deleted sessions', () => {
  const DELETED = {
    ...SESSION,
    state: 'deleted',
    deleted_at: new Date(Date.now() - 3_600_000).toISOString(),
    purge_at: new Date(Date.now() + 6 * 86_400_000 - 3_600_000).toISOString(),
  };
  const unfold = async (): Promise<void> =>
    void fireEvent.click(await screen.findByRole('button', { name: /Recently deleted/ }));

  it('are asked about before, with how long it can be undone, and undone from the notice', async () => {
    let here = true;
    const restore = vi.fn(() => {
      here = true;
      return json(SESSION);
    });
    open(
      {
        'GET /sessions': () => json({ items: here ? [SESSION] : [], next: null }),
        [`DELETE /sessions/${SESSION.id}`]: () => {
          here = false;
          return new Response(null, { status: 204 });
        },
        [`POST /sessions/${SESSION.id}/undelete`]: restore,
      },
      () => json({ items: here ? [] : [DELETED], next: null }),
    );
    fireEvent.keyDown(await screen.findByRole('button', { name: 'Actions for Cities' }), { key: 'Enter' });
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Delete…' }));
    const question = await screen.findByRole('alertdialog', { name: 'Delete “Cities”?' });
    expect(question).toHaveTextContent(/can be undone for 7 days/);
    fireEvent.click(within(question).getByRole('button', { name: 'Delete session' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Undo' }));
    await vi.waitFor(() => expect(restore).toHaveBeenCalledTimes(1));
    expect(await screen.findByRole('link', { name: 'Cities' })).toBeInTheDocument();
  });

  it('are asked for once more where something would be lost with them', async () => {
    const remove = vi.fn<Route>((request) =>
      request.url.endsWith('?discard=true')
        ? new Response(null, { status: 204 })
        : problem(409, 'not_saved', 'the sandbox holds what could not be saved: big.bin'),
    );
    open({
      'GET /sessions': () => json({ items: [SESSION], next: null }),
      [`DELETE /sessions/${SESSION.id}`]: remove,
    });
    const ask = async () => {
      fireEvent.keyDown(await screen.findByRole('button', { name: 'Actions for Cities' }), { key: 'Enter' });
      fireEvent.click(await screen.findByRole('menuitem', { name: 'Delete…' }));
      fireEvent.click(await screen.findByRole('button', { name: 'Delete session' }));
      const question = await screen.findByRole('alertdialog', { name: 'Delete without saving?' });
      expect(question).toHaveTextContent(
        /The sandbox holds what could not be saved: big\.bin\. Deleting now/,
      );
      return within(question);
    };
    fireEvent.click((await ask()).getByRole('button', { name: 'Cancel' }));
    await vi.waitFor(() => expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument());
    expect(remove).toHaveBeenCalledTimes(1);
    fireEvent.click((await ask()).getByRole('button', { name: 'Delete anyway' }));
    expect(await screen.findByText('“Cities” was deleted.')).toBeInTheDocument();
    expect(remove).toHaveBeenCalledTimes(3);
  });

  it('are gone at once where the server keeps none, which is said before', async () => {
    open({ 'GET /sessions': () => json({ items: [{ ...SESSION, undelete_days: 0 }], next: null }) });
    fireEvent.keyDown(await screen.findByRole('button', { name: 'Actions for Cities' }), { key: 'Enter' });
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Delete…' }));
    const question = await screen.findByRole('alertdialog', { name: 'Delete “Cities”?' });
    expect(question).toHaveTextContent(/This cannot be undone/);
  });

  it('say when they are gone for good and come back', async () => {
    const restore = vi.fn(() => json(SESSION));
    open({ [`POST /sessions/${SESSION.id}/undelete`]: restore }, () =>
      json({ items: [DELETED], next: null }),
    );
    await unfold();
    expect(await screen.findByText(/gone for good in 5 d 2[23] h/)).toBeInTheDocument();
    expect(screen.getByText('Deleted 1 hour ago')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Undelete Cities' }));
    await vi.waitFor(() => expect(restore).toHaveBeenCalledTimes(1));
    expect(await screen.findByText('“Cities” is back, with its files.')).toBeInTheDocument();
  });

  it('say why one cannot come back', async () => {
    open(
      {
        [`POST /sessions/${SESSION.id}/undelete`]: () =>
          problem(409, 'session_limit', 'You have all the sessions you may have.'),
      },
      () => json({ items: [DELETED], next: null }),
    );
    await unfold();
    fireEvent.click(await screen.findByRole('button', { name: 'Undelete Cities' }));
    expect(await screen.findByText('You have all the sessions you may have.')).toBeInTheDocument();
  });

  it('have states of their own: loading, none, failed', async () => {
    open({}, never);
    await unfold();
    expect(screen.getByText('Looking for deleted sessions…')).toBeInTheDocument();
    cleanup();
    open({});
    await unfold();
    expect(await screen.findByText(/^Nothing\. /)).toBeInTheDocument();
    cleanup();
    open({}, () => problem(503, 'unavailable', 'The database is away.'));
    await unfold();
    expect(await screen.findByText('The database is away.')).toBeInTheDocument();
  });
});
