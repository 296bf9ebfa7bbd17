import { act, fireEvent, screen } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthGate } from '@/features/auth/auth-gate';
import { FakeSocket } from '@/test/fake-socket';
import { USER, json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { parseSessionPath } from './use-session-id';
import { WorkspacePage } from './workspace-page';

const ID = '22222222-2222-4222-8222-222222222222';
const path = vi.hoisted(() => ({ now: '' }));
vi.mock('next/navigation', () => ({ useRouter: () => ({ push: vi.fn() }), usePathname: () => path.now }));

const SESSION = {
  id: ID,
  name: 'Cities',
  state: 'cold',
  reason: null,
  created_at: '2026-01-01T00:00:00Z',
  last_active_at: '2026-01-01T00:00:00Z',
  quotas: { memory_mb: 512, cpus: 1, pids: 128, disk_mb: 256 },
  usage: { items: 0, bytes: 0 },
};
const FILE = {
  path: 'main.py',
  kind: 'file',
  size: 3,
  etag: 'x',
  executable: false,
  target: null,
  modified_at: '',
};

function open(routes: Record<string, Route>): void {
  serve({
    'GET /me': () => json(USER),
    [`GET /sessions/${ID}/tree`]: () => json({ items: [FILE], next: null }),
    [`GET /sessions/${ID}/terminals`]: () => json({ items: [], next: null }),
    ...routes,
  });
  renderPage(
    <AuthGate>
      <WorkspacePage />
    </AuthGate>,
  );
}

function event(value: unknown): void {
  act(() => FakeSocket.last.receive(JSON.stringify(value)));
}

beforeEach(() => {
  FakeSocket.install();
  path.now = `/s/${ID}/`;
});

describe('the workspace page', () => {
  it('says that it is opening', async () => {
    open({ [`GET /sessions/${ID}`]: never });
    expect(await screen.findByText('Opening the session…')).toBeInTheDocument();
  });

  it('says when there is no such session', async () => {
    open({});
    expect(await screen.findByText('There is no such session')).toBeInTheDocument();
  });

  it('says so for an address that is none', async () => {
    path.now = '/s/not-an-id/';
    open({});
    expect(await screen.findByText('There is no such session')).toBeInTheDocument();
  });

  it('shows why it could not be opened', async () => {
    open({ [`GET /sessions/${ID}`]: () => problem(500, 'internal', 'Something went wrong.') });
    expect(await screen.findByText('Something went wrong.')).toBeInTheDocument();
  });

  it('starts a cold session, shows the stages, and opens one terminal when it is ready', async () => {
    const start = vi.fn(() => json({ ...SESSION, state: 'starting' }, 202));
    const create = vi.fn(() => problem(503, 'busy', 'No terminal now.'));
    open({
      [`GET /sessions/${ID}`]: () => json(SESSION),
      [`POST /sessions/${ID}/start`]: start,
      [`POST /sessions/${ID}/terminals`]: create,
    });
    expect(await screen.findByRole('status', { name: 'Starting the session' })).toBeInTheDocument();
    expect(await screen.findByRole('treeitem', { name: 'main.py' })).toBeInTheDocument();
    expect(start).toHaveBeenCalledTimes(1);
    act(() => FakeSocket.last.open());
    event({ type: 'progress', stage: 'restore', text: 'files', done: 1, total: 4 });
    expect(screen.getByText(/Restoring your files/).closest('li')).toHaveAttribute('aria-current', 'step');
    expect(screen.getByText(/25 %/)).toBeInTheDocument();
    event({ type: 'state', state: 'ready', reason: null });
    expect(await screen.findByText('No terminal now.')).toBeInTheDocument();
    expect(create).toHaveBeenCalledTimes(1);
  });

  it('believes the events, not the answer to a start that they have overtaken', async () => {
    let answer: (response: Response) => void = () => undefined;
    open({
      [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'stopping' }),
      [`POST /sessions/${ID}/start`]: () => new Promise<Response>((resolve) => (answer = resolve)),
      [`POST /sessions/${ID}/terminals`]: () => problem(503, 'busy', 'No terminal now.'),
    });
    await screen.findByText('Stopping…');
    act(() => FakeSocket.last.open());
    event({ type: 'hello', session: { ...SESSION, state: 'cold' } });
    fireEvent.click(await screen.findByRole('button', { name: 'Open' }));
    event({ type: 'state', state: 'starting', reason: null });
    event({ type: 'progress', stage: 'ready', text: '' });
    event({ type: 'state', state: 'ready', reason: null });
    expect(await screen.findByText('No terminal now.')).toBeInTheDocument();
    await act(async () => {
      answer(json({ ...SESSION, state: 'starting' }, 202));
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    expect(screen.getByText('Running')).toBeInTheDocument();
    expect(screen.queryByRole('status', { name: 'Starting the session' })).not.toBeInTheDocument();
  });

  it('takes a new name from the answer to a rename, and no state', async () => {
    open({
      [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'starting' }),
      [`PATCH /sessions/${ID}`]: () => json({ ...SESSION, name: 'Towns', state: 'cold' }),
    });
    await screen.findByRole('heading', { name: 'Cities' });
    fireEvent.keyDown(screen.getByRole('button', { name: 'Session menu' }), { key: 'Enter' });
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Rename session…' }));
    fireEvent.change(await screen.findByLabelText('Name'), { target: { value: 'Towns' } });
    fireEvent.click(screen.getByRole('button', { name: 'Rename' }));
    expect(await screen.findByRole('heading', { name: 'Towns', hidden: true })).toBeInTheDocument();
    expect(screen.getByText('Starting')).toBeInTheDocument();
  });

  it('tells why a session stopped and does not start it again unasked', async () => {
    const start = vi.fn(() => json({ ...SESSION, state: 'starting' }, 202));
    open({
      [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'stopping' }),
      [`POST /sessions/${ID}/start`]: start,
    });
    await screen.findByText('Stopping…');
    event({ type: 'state', state: 'failed', reason: 'out of memory: python3, 512 MiB' });
    expect(screen.getAllByText('Out of memory: python3, 512 MiB')).toHaveLength(2);
    event({ type: 'state', state: 'cold', reason: 'stopped after 30 min without use' });
    expect(screen.getAllByText('Stopped after 30 min without use')).toHaveLength(2);
    expect(start).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Open' }));
    await vi.waitFor(() => expect(start).toHaveBeenCalledTimes(1));
  });

  it('shows the tree as it changes', async () => {
    open({ [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'starting' }) });
    await screen.findByRole('treeitem', { name: 'main.py' });
    event({
      type: 'tree',
      changes: [
        { path: 'data.csv', item: { ...FILE, path: 'data.csv' } },
        { path: 'main.py', item: null },
      ],
    });
    expect(await screen.findByRole('treeitem', { name: 'data.csv' })).toBeInTheDocument();
    expect(screen.queryByRole('treeitem', { name: 'main.py' })).not.toBeInTheDocument();
  });

  it('shows that the connection is lost', async () => {
    open({ [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'starting' }) });
    await screen.findByRole('treeitem', { name: 'main.py' });
    act(() => FakeSocket.last.open());
    expect(screen.getByText('Connected')).toBeInTheDocument();
    act(() => FakeSocket.last.drop(1001));
    expect(screen.getByText('Server is restarting…')).toBeInTheDocument();
  });
});

describe('the address', () => {
  it.each([
    [`/s/${ID}/`, 'id'],
    [`/s/${ID}`, 'id'],
    ['/s/', 'invalid'],
    [`/s/${ID}/more`, 'invalid'],
    ['/s/nonsense/', 'invalid'],
  ])('%s is %s', (pathname, kind) => expect(parseSessionPath(pathname).kind).toBe(kind));
});
