import { act, fireEvent, screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthGate } from '@/features/auth/auth-gate';
import { FakeSocket } from '@/test/fake-socket';
import { TERMS, USER, json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { parseIdPath } from '@/lib/use-path-id';
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
  ...TERMS,
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

function open(routes: Record<string, Route>): ReturnType<typeof renderPage> {
  serve({
    'GET /me': () => json(USER),
    [`GET /sessions/${ID}/tree`]: () => json({ items: [FILE], next: null }),
    [`GET /sessions/${ID}/terminals`]: () => json({ items: [], next: null }),
    ...routes,
  });
  return renderPage(
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

  it.each([true, false])('lists the files once, greeted at once by the socket: %s', async (greeted) => {
    const starting = { ...SESSION, state: 'starting' };
    class GreetingSocket extends FakeSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol);
        queueMicrotask(() => {
          this.open();
          this.receive(JSON.stringify({ type: 'hello', session: starting }));
        });
      }
    }
    if (greeted) vi.stubGlobal('WebSocket', GreetingSocket);
    const tree = vi.fn(() => json({ items: [FILE], next: null }));
    open({ [`GET /sessions/${ID}`]: () => json(starting), [`GET /sessions/${ID}/tree`]: tree });
    expect(await screen.findByRole('treeitem', { name: 'main.py' })).toBeInTheDocument();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(tree).toHaveBeenCalledTimes(1);
  });

  it('has the same tabs when one comes back to it', async () => {
    const routes = {
      [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'starting' }),
      [`GET /sessions/${ID}/files/main.py`]: () => new Response('print()', { headers: { etag: '"x"' } }),
    };
    const view = open(routes);
    fireEvent.click(await screen.findByRole('treeitem', { name: 'main.py' }));
    expect(await screen.findByRole('tab', { name: 'main.py' })).toBeInTheDocument();
    view.unmount();
    open(routes);
    expect(await screen.findByRole('tab', { name: 'main.py' })).toBeInTheDocument();
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

  it('offers to stop without saving once a stop has failed, and asks first', async () => {
    const stop = vi.fn<Route>(() => json({ ...SESSION, state: 'stopping' }, 202));
    const reason = 'could not be stopped without losing changes: the workspace has too many files';
    open({
      [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'ready', reason }),
      [`POST /sessions/${ID}/terminals`]: () => problem(503, 'busy', 'No terminal now.'),
      [`POST /sessions/${ID}/stop`]: stop,
    });
    await screen.findByRole('heading', { name: 'Cities' });
    fireEvent.keyDown(screen.getByRole('button', { name: 'Session menu' }), { key: 'Enter' });
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Stop without saving…' }));
    expect(await screen.findByText(/the workspace has too many files/)).toBeInTheDocument();
    expect(stop).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Stop without saving' }));
    await vi.waitFor(() => expect(stop).toHaveBeenCalledTimes(1));
    expect(new URL(stop.mock.calls[0]?.[0].url ?? '').search).toBe('?discard=true');
  });

  it.each(['Stop', 'Restart'])(
    'asks, naming the files, where to %s would lose what is not saved',
    async (end) => {
      const why = 'the sandbox holds what could not be saved: big.bin (larger than 64 MB); make that smaller';
      const route = vi.fn<Route>((request) =>
        request.url.endsWith('?discard=true')
          ? json({ ...SESSION, state: 'stopping' }, 202)
          : problem(409, 'not_saved', why),
      );
      open({
        [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'ready' }),
        [`POST /sessions/${ID}/terminals`]: () => problem(503, 'busy', 'No terminal now.'),
        [`POST /sessions/${ID}/${end.toLowerCase()}`]: route,
      });
      const ask = async (): Promise<void> => {
        fireEvent.keyDown(await screen.findByRole('button', { name: 'Session menu' }), { key: 'Enter' });
        fireEvent.click(await screen.findByRole('menuitem', { name: end }));
        expect(await screen.findByRole('alertdialog', { name: `${end} without saving?` })).toHaveTextContent(
          /^.*The sandbox holds what could not be saved: big\.bin \(larger than 64 MB\)/,
        );
      };
      await ask();
      fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
      await vi.waitFor(() => expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument());
      expect(route).toHaveBeenCalledTimes(1);
      await ask();
      fireEvent.click(screen.getByRole('button', { name: `${end} without saving` }));
      await vi.waitFor(() => expect(route).toHaveBeenCalledTimes(3));
      expect(await screen.findByText('Stopping…')).toBeInTheDocument();
    },
  );

  it('opens a session that has failed again, and asks before a restart gives up what it left', async () => {
    const why = 'what was written in the sandbox last cannot be saved now: its sandbox cannot be reached';
    const start = vi.fn<Route>(() => problem(503, 'unavailable', 'Not yet.'));
    const restart = vi.fn<Route>((request) =>
      request.url.endsWith('?discard=true')
        ? json({ ...SESSION, state: 'starting' }, 202)
        : problem(409, 'not_saved', why),
    );
    open({
      [`GET /sessions/${ID}`]: () =>
        json({ ...SESSION, state: 'failed', reason: 'its sandbox cannot be reached' }),
      [`POST /sessions/${ID}/start`]: start,
      [`POST /sessions/${ID}/restart`]: restart,
    });
    fireEvent.click(await screen.findByRole('button', { name: 'Open' }));
    expect(await screen.findByText('Not yet.')).toBeInTheDocument();
    expect(start).toHaveBeenCalledTimes(1);
    fireEvent.click(screen.getByRole('button', { name: 'Restart' }));
    const question = await screen.findByRole('alertdialog', { name: 'Restart without saving?' });
    expect(question).toHaveTextContent(/its sandbox cannot be reached/);
    expect(restart).toHaveBeenCalledTimes(1);
    fireEvent.click(within(question).getByRole('button', { name: 'Restart without saving' }));
    expect(await screen.findByRole('status', { name: 'Starting the session' })).toBeInTheDocument();
    expect(restart).toHaveBeenCalledTimes(2);
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
    expect(screen.getByText('Stopped after 30 min without use')).toBeInTheDocument();
    expect(screen.getByText('after 30 min without use')).toBeInTheDocument();
    expect(start).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Open' }));
    await vi.waitFor(() => expect(start).toHaveBeenCalledTimes(1));
  });

  it('says at once that a stop was refused, and no longer when the session stops later', async () => {
    open({
      [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'ready' }),
      [`POST /sessions/${ID}/terminals`]: () => problem(503, 'busy', 'No terminal now.'),
      [`POST /sessions/${ID}/stop`]: () => problem(503, 'busy', 'Not now, please.'),
    });
    await screen.findByText('No terminal now.');
    act(() => FakeSocket.last.open());
    fireEvent.keyDown(screen.getByRole('button', { name: 'Session menu' }), { key: 'Enter' });
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Stop' }));
    const notices = screen.getByRole('log', { name: 'Notices', hidden: true });
    expect(await within(notices).findByText('Not now, please.')).toBeInTheDocument();
    event({ type: 'state', state: 'cold', reason: 'stopped after 30 min without use' });
    expect(screen.getByText('Stopped after 30 min without use')).toBeInTheDocument();
  });

  it('shows why a session was not started until its state changes', async () => {
    open({
      [`GET /sessions/${ID}`]: () => json(SESSION),
      [`POST /sessions/${ID}/start`]: () => problem(503, 'busy', 'Too many sessions run.'),
    });
    expect(await screen.findByText('Too many sessions run.')).toBeInTheDocument();
    event({ type: 'state', state: 'cold', reason: null });
    expect(screen.queryByText('Too many sessions run.')).not.toBeInTheDocument();
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

describe('an announced end', () => {
  const ready = { ...SESSION, state: 'ready' };
  const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const openReady = async (more: Record<string, Route> = {}): Promise<void> => {
    open({
      [`GET /sessions/${ID}`]: () => json(ready),
      [`POST /sessions/${ID}/terminals`]: () => problem(503, 'busy', 'No terminal now.'),
      ...more,
    });
    await screen.findByText('No terminal now.');
    act(() => FakeSocket.last.open());
  };

  it('is counted down, told once to a screen reader, survives Escape, and goes when it is called off', async () => {
    await openReady();
    event({ type: 'ending', at: soon(300_000), why: 'idle' });
    const banner = screen.getByRole('region', { name: 'This session is about to stop' });
    expect(banner).toHaveTextContent(/Stops in (5:00|4:59)/);
    expect(within(banner).getByRole('alert')).toHaveTextContent(
      'This session stops in 5 minutes because nobody uses it.',
    );
    fireEvent.keyDown(within(banner).getByRole('button', { name: 'Extend' }), { key: 'Escape' });
    expect(banner).toBeInTheDocument();
    event({ type: 'ending', at: null, why: null });
    expect(banner).not.toBeInTheDocument();
  });

  it('is put off by one click, and by a key', async () => {
    const extend = vi.fn(() => json({ ...ready, ends_at: null, ends_why: null }));
    await openReady({ [`POST /sessions/${ID}/extend`]: extend });
    event({ type: 'ending', at: soon(200_000), why: 'life' });
    expect(screen.getAllByText(/because it has reached its maximum life/).length).toBeGreaterThan(0);
    fireEvent.click(screen.getByRole('button', { name: 'Extend' }));
    expect(await screen.findByText('The session goes on.')).toBeInTheDocument();
    fireEvent.keyDown(document.body, { code: 'KeyE', key: 'E', ctrlKey: true, shiftKey: true });
    await vi.waitFor(() => expect(extend).toHaveBeenCalledTimes(2));
    event({ type: 'ending', at: null, why: null });
    fireEvent.keyDown(document.body, { code: 'KeyE', key: 'E', ctrlKey: true, shiftKey: true });
    expect(extend).toHaveBeenCalledTimes(2);
  });

  it('says why it could not be put off', async () => {
    await openReady({
      [`POST /sessions/${ID}/extend`]: () => problem(409, 'not_ready', 'Nothing runs.'),
    });
    event({ type: 'hello', session: { ...ready, ends_at: soon(30_000), ends_why: 'idle' } });
    expect(screen.getByText(/This session stops in less than a minute/)).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Extend' }));
    expect(await screen.findByText('Nothing runs.')).toBeInTheDocument();
  });

  it('is forgotten when the session stops', async () => {
    await openReady();
    event({ type: 'ending', at: soon(300_000), why: 'idle' });
    event({ type: 'state', state: 'stopping', reason: null });
    event({ type: 'state', state: 'cold', reason: 'stopped after 30 min without use' });
    expect(screen.queryByRole('region', { name: 'This session is about to stop' })).not.toBeInTheDocument();
  });
});

describe('a session that is not here', () => {
  const elsewhere = (url: string): Response =>
    new Response(
      JSON.stringify({
        type: 'about:blank',
        title: '',
        status: 409,
        code: 'session_elsewhere',
        detail: 'x',
        server_url: url,
      }),
      { status: 409, headers: { 'content-type': 'application/problem+json' } },
    );

  it('says which server has it, with a link', async () => {
    open({ [`GET /sessions/${ID}`]: () => elsewhere('https://two.example:8443') });
    expect(await screen.findByText('This session runs on two.example:8443')).toBeInTheDocument();
    expect(screen.getByRole('link', { name: 'Open it there' })).toHaveAttribute(
      'href',
      `https://two.example:8443/s/${ID}/`,
    );
  });

  it('says so when the start is refused', async () => {
    open({
      [`GET /sessions/${ID}`]: () => json(SESSION),
      [`POST /sessions/${ID}/start`]: () => elsewhere('https://two.example'),
    });
    expect(await screen.findByText('This session runs on two.example')).toBeInTheDocument();
  });

  it('follows no address that is not one', async () => {
    open({ [`GET /sessions/${ID}`]: () => elsewhere('javascript:alert(1)') });
    expect(await screen.findByText('javascript:alert(1)')).toBeInTheDocument();
    expect(screen.queryByRole('link', { name: 'Open it there' })).not.toBeInTheDocument();
  });

  it('is let go when the socket says that another server took it, and opened again on request', async () => {
    let here = true;
    open({
      [`GET /sessions/${ID}`]: () =>
        here ? json({ ...SESSION, state: 'stopping' }) : elsewhere('https://two.example'),
    });
    await screen.findByText('Stopping…');
    act(() => FakeSocket.last.open());
    here = false;
    act(() => FakeSocket.last.drop(4409));
    expect(await screen.findByText('This session runs on two.example')).toBeInTheDocument();
    here = true;
    fireEvent.click(screen.getByRole('button', { name: 'Try again here' }));
    expect(await screen.findByText('Stopping…')).toBeInTheDocument();
    act(() => FakeSocket.last.drop(4409, 'https://three.example'));
    expect(await screen.findByText('This session runs on three.example')).toBeInTheDocument();
  });

  it('can be had back when it was only deleted', async () => {
    let back = false;
    open({
      [`GET /sessions/${ID}`]: () =>
        back ? json({ ...SESSION, state: 'stopping' }) : problem(404, 'not_found', 'Not found.'),
      'GET /sessions': () =>
        json({
          items: [{ ...SESSION, state: 'deleted', purge_at: '2026-01-08T00:00:00Z' }],
          next: null,
        }),
      [`POST /sessions/${ID}/undelete`]: () => {
        back = true;
        return json(SESSION);
      },
    });
    expect(await screen.findByText('“Cities” was deleted')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Undelete' }));
    expect(await screen.findByRole('heading', { name: 'Cities' })).toBeInTheDocument();
  });
});

describe('the activity panel', () => {
  const TERMINAL = {
    id: '33333333-3333-4333-8333-333333333333',
    name: 'Build',
    cols: 80,
    rows: 24,
    pid: 20,
    created_at: '2026-01-01T00:00:00Z',
    exit: { code: 0, signal: null },
  };
  const PROCESS = {
    pid: 30,
    parent: 20,
    command: 'python3 train.py --epochs 3',
    cpu_percent: 98.7,
    cpu_ms: 1000,
    memory_bytes: 128 * 1024 * 1024,
    age_ms: 125_000,
    terminal: TERMINAL.id,
  };
  const SHELL = { ...PROCESS, pid: 20, parent: 1, command: 'bash -l', cpu_percent: 0 };
  const USAGE = {
    cpu_percent: 49.6,
    cpus: 1,
    memory_bytes: 450 * 1024 * 1024,
    memory_limit_bytes: 512 * 1024 * 1024,
    disk_bytes: 250,
    disk_limit_bytes: 256,
    processes: 3,
    processes_limit: 128,
  };

  const show = async (more: Record<string, Route>): Promise<HTMLElement> => {
    open({
      [`GET /sessions/${ID}`]: () => json({ ...SESSION, state: 'ready' }),
      [`GET /sessions/${ID}/terminals`]: () => json({ items: [], next: null }),
      [`POST /sessions/${ID}/terminals`]: () => problem(503, 'busy', 'No terminal now.'),
      ...more,
    });
    await screen.findByText('No terminal now.');
    act(() => FakeSocket.last.open());
    fireEvent.click(screen.getByRole('button', { name: 'Activity' }));
    return screen.getByRole('region', { name: 'Activity' });
  };

  it('shows what is used against the limits, warning near them', async () => {
    const panel = await show({ [`GET /sessions/${ID}/processes`]: () => json({ items: [] }) });
    expect(within(panel).getByRole('meter', { name: 'CPU' })).toHaveAttribute('aria-valuetext', '–');
    event({ type: 'usage', ...USAGE });
    const cpu = within(panel).getByRole('meter', { name: 'CPU' });
    expect(cpu).toHaveAttribute('aria-valuenow', '50');
    expect(cpu).toHaveAttribute('aria-valuetext', '50 % of 1 CPU');
    const level = (name: string) =>
      within(panel).getByRole('meter', { name }).closest('[data-level]')?.getAttribute('data-level');
    expect(level('Memory')).toBe('high');
    expect(level('Disk')).toBe('critical');
    expect(level('Programs and threads')).toBe('fine');
    expect(within(panel).getByText(/nothing more can be written/)).toBeInTheDocument();
    expect(await within(panel).findByText('Nothing runs')).toBeInTheDocument();
    expect(screen.getByRole('button', { name: /^Activity: ?CPU 50 %/ })).toBeInTheDocument();
  });

  it('lists programs in plain words, and stops one', async () => {
    let gone = false;
    const stop = vi.fn(() => {
      gone = true;
      return new Response(null, { status: 204 });
    });
    const panel = await show({
      [`GET /sessions/${ID}/processes`]: () => json({ items: gone ? [SHELL] : [PROCESS, SHELL], next: null }),
      [`DELETE /sessions/${ID}/processes/30`]: stop,
      [`DELETE /sessions/${ID}/processes/20`]: () => problem(404, 'not_found', 'Not found.'),
    });
    const row = (await within(panel).findByText('train.py')).closest('li') as HTMLElement;
    expect(row).toHaveTextContent('Python program');
    expect(row).toHaveTextContent('99 % CPU');
    expect(row).toHaveTextContent('128 MB');
    expect(row).toHaveTextContent('2 min');
    fireEvent.click(within(row).getByRole('button', { name: 'Stop train.py, process 30' }));
    await vi.waitFor(() => expect(within(panel).queryByText('train.py')).not.toBeInTheDocument());
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it('asks before it stops the shell of a terminal', async () => {
    const stop = vi.fn(() => new Response(null, { status: 204 }));
    const panel = await show({
      [`GET /sessions/${ID}/processes`]: () => json({ items: [SHELL], next: null }),
      [`DELETE /sessions/${ID}/processes/20`]: stop,
    });
    event({ type: 'terminals', items: [TERMINAL] });
    expect(await within(panel).findByRole('region', { name: 'Build' })).toBeInTheDocument();
    fireEvent.click(within(panel).getByRole('button', { name: 'Stop Shell, process 20' }));
    const question = await screen.findByRole('alertdialog', { name: 'Stop “Shell” of “Build”?' });
    expect(stop).not.toHaveBeenCalled();
    fireEvent.click(within(question).getByRole('button', { name: 'Stop it' }));
    await vi.waitFor(() => expect(stop).toHaveBeenCalledTimes(1));
  });

  it('has states of its own: loading, failed, not running', async () => {
    let down = true;
    const panel = await show({
      [`GET /sessions/${ID}/processes`]: () =>
        down ? problem(503, 'unavailable', 'No answer.') : json({ items: [], next: null }),
    });
    expect(within(panel).getByText('Looking at what runs…')).toBeInTheDocument();
    expect(await within(panel).findByText('No answer.')).toBeInTheDocument();
    down = false;
    fireEvent.click(within(panel).getByRole('button', { name: 'Try again' }));
    expect(await within(panel).findByText('Open a terminal, or run a file.')).toBeInTheDocument();
    event({ type: 'state', state: 'cold', reason: null });
    expect(within(panel).getByText('The session is not running.')).toBeInTheDocument();
  });
});

describe('the address', () => {
  it.each([
    [`/s/${ID}/`, 'id'],
    [`/s/${ID}`, 'id'],
    ['/s/', 'invalid'],
    [`/s/${ID}/more`, 'invalid'],
    ['/s/nonsense/', 'invalid'],
  ])('%s is %s', (pathname, kind) => expect(parseIdPath('s', pathname).kind).toBe(kind));
});
