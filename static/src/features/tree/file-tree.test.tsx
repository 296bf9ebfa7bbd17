import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Item } from '@/api/types';
import { AuthGate } from '@/features/auth/auth-gate';
import { WorkspacePage } from '@/features/workspace/workspace-page';
import { FakeSocket } from '@/test/fake-socket';
import { USER, json, renderPage, serve, type Route } from '@/test/render-page';

const ID = '33333333-3333-4333-8333-333333333333';
vi.mock('next/navigation', () => ({
  useRouter: () => ({ push: vi.fn() }),
  usePathname: () => `/s/33333333-3333-4333-8333-333333333333/`,
}));

/** Longer than Headless Tree looks for a row to focus. */
const LATE_MS = 700;

const SESSION = {
  id: ID,
  name: 'Tree',
  state: 'starting',
  reason: null,
  created_at: '2026-01-01T00:00:00Z',
  last_active_at: '2026-01-01T00:00:00Z',
  quotas: { memory_mb: 512, cpus: 1, pids: 128, disk_mb: 256 },
  usage: { items: 0, bytes: 0 },
};

function item(path: string, kind: Item['kind'] = 'file'): Item {
  return { path, kind, size: 0, etag: path, executable: false, modified_at: '' };
}

const removed = vi.fn<(path: string) => void>();

async function open(routes: Record<string, Route> = {}): Promise<void> {
  const items = [item('src', 'folder'), item('src/a.py'), item('src/b.py'), item('src/c.py'), item('z.txt')];
  const remove = (request: Request): Response => {
    removed(new URL(request.url).pathname.split('/files/')[1] ?? '');
    return new Response(null, { status: 204 });
  };
  serve({
    'GET /me': () => json(USER),
    [`GET /sessions/${ID}`]: () => json(SESSION),
    [`GET /sessions/${ID}/tree`]: () => json({ items, next: null }),
    [`POST /sessions/${ID}/move`]: () => json(item('src/first.py')),
    ...Object.fromEntries(items.map(({ path }) => [`DELETE /sessions/${ID}/files/${path}`, remove])),
    ...routes,
  });
  renderPage(
    <AuthGate>
      <WorkspacePage />
    </AuthGate>,
  );
  await row('src');
  act(() => FakeSocket.last.open());
}

function row(name: string): Promise<HTMLElement> {
  return screen.findByRole('treeitem', { name });
}

async function click(name: string): Promise<void> {
  fireEvent.click(await row(name));
}

/** Presses a key where the keyboard is. */
async function press(key: string): Promise<void> {
  await act(async () => {
    const target = document.activeElement ?? document.body;
    fireEvent.keyDown(target, { key, code: key });
    fireEvent.keyUp(target, { key, code: key });
    await Promise.resolve();
  });
}

function changed(...changes: { path: string; item: Item | null }[]): void {
  act(() => FakeSocket.last.receive(JSON.stringify({ type: 'tree', changes })));
}

function later(): Promise<void> {
  return act(() => new Promise<void>((resolve) => setTimeout(resolve, LATE_MS)));
}

async function question(): Promise<HTMLElement> {
  return screen.findByRole('alertdialog');
}

beforeEach(() => {
  FakeSocket.install();
  removed.mockReset();
});

describe('the Delete key', () => {
  it('asks about the row that is focused, and deletes exactly what it named', async () => {
    await open();
    await click('src');
    await click('b.py');
    await press('Delete');
    const dialog = await question();
    expect(dialog).toHaveAccessibleName('Delete “b.py”?');
    expect(dialog).toHaveAccessibleDescription('“src/b.py” is deleted.');
    fireEvent.click(within(dialog).getByRole('button', { name: 'Delete' }));
    await waitFor(() => expect(removed).toHaveBeenCalledWith('src/b.py'));
    expect(removed).toHaveBeenCalledTimes(1);
    await waitFor(async () => expect(await row('c.py')).toHaveFocus());
    expect(screen.queryByRole('treeitem', { name: 'b.py' })).not.toBeInTheDocument();
    expect(await row('src')).toBeInTheDocument();
  });

  it('is not moved to the first row by an arrow key whose row was renamed at once', async () => {
    await open();
    await click('src');
    await press('ArrowDown');
    expect(await row('a.py')).toHaveFocus();
    await press('F2');
    const name = screen.getByLabelText('New name');
    fireEvent.change(name, { target: { value: 'first.py' } });
    fireEvent.keyDown(name, { key: 'Enter' });
    await waitFor(async () => expect(await row('first.py')).toHaveFocus());
    changed({ path: 'src/a.py', item: null }, { path: 'src/first.py', item: item('src/first.py') });
    await click('b.py');
    await later();
    expect(await row('b.py')).toHaveFocus();
    await press('Delete');
    expect(await question()).toHaveAccessibleName('Delete “b.py”?');
  });

  it('is about the row clicked last, though a rename before it is answered later', async () => {
    let answer: (response: Response) => void = () => undefined;
    await open({
      [`POST /sessions/${ID}/move`]: () => new Promise<Response>((resolve) => (answer = resolve)),
    });
    await click('src');
    await click('a.py');
    await press('F2');
    const name = screen.getByLabelText('New name');
    fireEvent.change(name, { target: { value: 'first.py' } });
    fireEvent.keyDown(name, { key: 'Enter' });
    await click('b.py');
    answer(json(item('src/first.py')));
    await row('first.py');
    await later();
    expect(await row('b.py')).toHaveFocus();
    await press('Delete');
    expect(await question()).toHaveAccessibleName('Delete “b.py”?');
  });

  it('does nothing while no row has the keyboard', async () => {
    await open();
    await click('src');
    await click('b.py');
    changed({ path: 'src/b.py', item: null });
    expect(document.body).toHaveFocus();
    await press('Delete');
    fireEvent.keyDown(screen.getByRole('tree'), { key: 'Delete' });
    expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument();
  });

  it('deletes nothing when something else has taken the place of what was named', async () => {
    await open();
    await click('z.txt');
    await press('Delete');
    const dialog = await question();
    changed({ path: 'z.txt', item: item('z.txt', 'folder') });
    fireEvent.click(within(dialog).getByRole('button', { name: 'Delete' }));
    expect(await screen.findByText(/has changed and was not deleted/)).toBeInTheDocument();
    expect(removed).not.toHaveBeenCalled();
  });
});

describe('the keyboard', () => {
  it('follows the focus, however it came to a row', async () => {
    await open();
    await click('src');
    act(() => screen.getByRole('treeitem', { name: 'c.py' }).focus());
    await press('ArrowUp');
    expect(await row('b.py')).toHaveFocus();
  });

  it('is not taken from whoever has gone on elsewhere', async () => {
    await open();
    await click('src');
    await press('F2');
    const name = screen.getByLabelText('New name');
    const elsewhere = screen.getByRole('button', { name: 'Keyboard shortcuts' });
    fireEvent.keyDown(name, { key: 'Escape' });
    expect(await row('src')).toHaveFocus();
    await press('ArrowDown');
    act(() => elsewhere.focus());
    await later();
    expect(elsewhere).toHaveFocus();
  });
});

describe('a new file', () => {
  it('is made in the root when the folder it was meant for has just gone', async () => {
    const paths = ['src', 'src/a.py', 'src/b.py', 'src/c.py', 'z.txt'];
    const gone = (changes: string[]) =>
      act(() =>
        FakeSocket.last.receive(
          JSON.stringify({ type: 'tree', changes: changes.map((path) => ({ path, item: null })) }),
        ),
      );
    await open();
    await click('src');
    fireEvent.click(screen.getByRole('button', { name: 'New file' }));
    expect(screen.getByLabelText('Name of the new file')).toBeInTheDocument();
    gone(paths.slice(0, 4));
    expect(screen.getByLabelText('Name of the new file')).toBeInTheDocument();
    fireEvent.keyDown(screen.getByLabelText('Name of the new file'), { key: 'Escape' });
    gone(['z.txt']);
    fireEvent.click(screen.getAllByRole('button', { name: 'New file' })[0] as HTMLElement);
    expect(screen.getByLabelText('Name of the new file')).toBeInTheDocument();
  });
});
