import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Item } from '@/api/types';
import { AuthGate } from '@/features/auth/auth-gate';
import { WorkspacePage } from '@/features/workspace/workspace-page';
import { FakeSocket } from '@/test/fake-socket';
import { TERMS, USER, json, problem, renderPage, serve, type Route } from '@/test/render-page';

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
  ...TERMS,
  usage: { items: 0, bytes: 0 },
};

function item(path: string, kind: Item['kind'] = 'file'): Item {
  return { path, kind, size: 0, etag: path, executable: false, modified_at: '' };
}

/** What was deleted, and what was given up with it. */
const removed = vi.fn<(paths: string[], givenUp: string[] | 'all') => void>();
/** Tells of a deletion; answers whether all was given up. */
async function noteDeletion(request: Request): Promise<boolean> {
  const { paths, give_up: named } = (await request.json()) as { paths: string[]; give_up: string[] };
  const all = new URL(request.url).searchParams.get('discard') === 'true';
  removed(paths, all ? 'all' : named);
  return all;
}
const asked = vi.fn<(what: string, body: unknown) => void>();

async function open(routes: Record<string, Route> = {}): Promise<void> {
  const items = [item('src', 'folder'), item('src/a.py'), item('src/b.py'), item('src/c.py'), item('z.txt')];
  const remove = async (request: Request): Promise<Response> => {
    await noteDeletion(request);
    return json({ removed: 1 });
  };
  const note =
    (what: string, answer: (body: { from: string; to: string }) => unknown) =>
    async (request: Request): Promise<Response> => {
      const body = (await request.json()) as { from: string; to: string };
      asked(what, body);
      return json(answer(body));
    };
  serve({
    'GET /me': () => json(USER),
    [`GET /sessions/${ID}`]: () => json(SESSION),
    [`GET /sessions/${ID}/tree`]: () => json({ items, next: null }),
    [`POST /sessions/${ID}/move`]: note('move', ({ to }) => item(to)),
    [`POST /sessions/${ID}/copy`]: note('copy', ({ to }) => item(to)),
    [`POST /sessions/${ID}/restore`]: note('restore', () => ({ restored: 1, removed: 0 })),
    [`POST /sessions/${ID}/delete`]: remove,
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

async function click(name: string, modifiers: object = {}): Promise<void> {
  fireEvent.click(await row(name), modifiers);
}

/** Presses a key where the keyboard is. */
async function press(key: string, modifiers: object = {}): Promise<void> {
  await act(async () => {
    const target = document.activeElement ?? document.body;
    fireEvent.keyDown(target, { key, code: key, ...modifiers });
    fireEvent.keyUp(target, { key, code: key, ...modifiers });
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
  asked.mockReset();
});

/** Names of the selected rows. */
function selection(): (string | null)[] {
  return screen.queryAllByRole('treeitem', { selected: true }).map((one) => one.getAttribute('aria-label'));
}

const CTRL = { ctrlKey: true };
const SHIFT = { shiftKey: true };

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
    await waitFor(() => expect(removed).toHaveBeenCalledWith(['src/b.py'], []));
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

describe('a folder that is renamed', () => {
  it('stays open', async () => {
    await open();
    await click('src');
    await press('F2');
    const name = screen.getByLabelText('New name');
    fireEvent.change(name, { target: { value: 'lib' } });
    fireEvent.keyDown(name, { key: 'Enter' });
    expect(await row('lib')).toHaveAttribute('aria-expanded', 'true');
    expect(await row('a.py')).toHaveAttribute('data-path', 'lib/a.py');
  });
});

describe('several rows', () => {
  it('are selected by clicks with Ctrl and Shift, which open nothing', async () => {
    await open();
    await click('src');
    await click('a.py');
    expect(selection()).toEqual(['a.py']);
    await click('z.txt', CTRL);
    expect(selection()).toEqual(['a.py', 'z.txt']);
    await click('a.py', CTRL);
    expect(selection()).toEqual(['z.txt']);
    await click('b.py', CTRL);
    await click('a.py', SHIFT);
    expect(selection()).toEqual(['a.py', 'b.py']);
    expect(screen.getAllByRole('tab').map((tab) => tab.getAttribute('aria-label'))).not.toContain('b.py');
    await click('c.py');
    expect(selection()).toEqual(['c.py']);
  });

  it('are selected by the keyboard: with Shift and arrows, all, one more, one only', async () => {
    await open();
    await click('src');
    await press('ArrowDown');
    await press('ArrowDown', SHIFT);
    await press('ArrowDown', SHIFT);
    expect(selection()).toEqual(['a.py', 'b.py', 'c.py']);
    await press('ArrowUp', SHIFT);
    expect(selection()).toEqual(['a.py', 'b.py']);
    expect(await row('b.py')).toHaveFocus();
    await press('a', CTRL);
    expect(selection()).toEqual(['src', 'a.py', 'b.py', 'c.py', 'z.txt']);
    await press('Escape');
    expect(selection()).toEqual(['b.py']);
    await press('ArrowDown');
    await press(' ', CTRL);
    expect(selection()).toEqual(['b.py', 'c.py']);
  });

  it('are deleted after one question, and had back with one click', async () => {
    await open();
    await click('src');
    await click('a.py');
    await click('z.txt', CTRL);
    await press('Delete');
    const dialog = await question();
    expect(dialog).toHaveAccessibleName('Delete 2 items?');
    expect(dialog).toHaveAccessibleDescription('“a.py” and “z.txt” are deleted.');
    fireEvent.click(within(dialog).getByRole('button', { name: 'Delete' }));
    await waitFor(() => expect(removed).toHaveBeenCalledWith(['src/a.py', 'z.txt'], []));
    expect(await screen.findByText('2 items deleted.')).toBeInTheDocument();
    expect(screen.queryByRole('treeitem', { name: 'z.txt' })).not.toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
    await waitFor(() =>
      expect(asked.mock.calls).toEqual([
        ['restore', { path: 'src/a.py' }],
        ['restore', { path: 'z.txt' }],
      ]),
    );
  });

  it('say what of them could not be had back', async () => {
    await open({ [`POST /sessions/${ID}/restore`]: () => problem(409, 'too_large', 'There is no room.') });
    await click('z.txt');
    await press('Delete');
    fireEvent.click(within(await question()).getByRole('button', { name: 'Delete' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Undo' }));
    expect(await screen.findByText('“z.txt” could not be had back: There is no room.')).toBeInTheDocument();
  });

  it('count a folder and what is in it once', async () => {
    await open();
    await click('src');
    await press('a', CTRL);
    await press('Delete');
    const dialog = await question();
    expect(dialog).toHaveAccessibleDescription(
      '“src” and “z.txt” are deleted. 3 more items are in the folders.',
    );
    fireEvent.click(within(dialog).getByRole('button', { name: 'Delete' }));
    await waitFor(() => expect(removed).toHaveBeenCalledWith(['src', 'z.txt'], []));
  });
});

describe('cut, copy and paste', () => {
  it('move into the folder that has the keyboard, and back on demand', async () => {
    await open();
    await click('z.txt');
    await press('x', CTRL);
    expect(await row('z.txt')).toHaveAttribute('data-cut', 'true');
    await click('src');
    await press('v', CTRL);
    await waitFor(() => expect(asked).toHaveBeenCalledWith('move', { from: 'z.txt', to: 'src/z.txt' }));
    expect(await screen.findByText('“z.txt” moved to “src”.')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
    await waitFor(() => expect(asked).toHaveBeenCalledWith('move', { from: 'src/z.txt', to: 'z.txt' }));
  });

  it('copy beside a file, under a name that is free', async () => {
    await open();
    await click('src');
    await click('a.py');
    await press('c', CTRL);
    await press('v', CTRL);
    await waitFor(() => expect(asked).toHaveBeenCalledWith('copy', { from: 'src/a.py', to: 'src/a 2.py' }));
    expect(await row('a 2.py')).toBeInTheDocument();
    await press('v', CTRL);
    await waitFor(() => expect(asked).toHaveBeenCalledWith('copy', { from: 'src/a.py', to: 'src/a 3.py' }));
  });

  it('duplicate all that is selected', async () => {
    await open();
    await click('src');
    await click('a.py');
    await click('z.txt', CTRL);
    await press('d', CTRL);
    await waitFor(() => expect(asked).toHaveBeenCalledTimes(2));
    expect(asked.mock.calls.map(([, body]) => body)).toEqual([
      { from: 'src/a.py', to: 'src/a 2.py' },
      { from: 'z.txt', to: 'z 2.txt' },
    ]);
  });

  it('do not put a folder into itself', async () => {
    await open();
    await click('src');
    await press('c', CTRL);
    await click('a.py');
    await press('v', CTRL);
    expect(await screen.findByText('“src” cannot be put into itself.')).toBeInTheDocument();
    expect(asked).not.toHaveBeenCalled();
  });

  it('tell a failure once for many, and leave what failed where it is', async () => {
    await open({ [`POST /sessions/${ID}/move`]: () => problem(409, 'already_exists', 'No.') });
    await click('src');
    await click('a.py');
    await click('b.py', SHIFT);
    await press('x', CTRL);
    await click('z.txt');
    await press('v', CTRL);
    expect(
      await screen.findByText('“a.py” already exists here. And 1 more were not done.'),
    ).toBeInTheDocument();
    expect(await row('a.py')).toBeInTheDocument();
  });
});

describe('what is not kept', () => {
  const unkept = {
    items: [
      { path: '.venv', kind: 'folder', why: 'ignored', text: 'ignored: not kept' },
      { path: 'src/big.bin', kind: 'file', why: 'too_large', text: 'larger than 64 MB: not saved' },
    ],
    truncated: false,
  };

  it('has rows of its own, with the reason', async () => {
    await open({ [`GET /sessions/${ID}/unkept`]: () => json(unkept) });
    act(() => FakeSocket.last.receive(JSON.stringify({ type: 'unkept' })));
    const venv = await row('.venv, not kept: ignored');
    expect(venv).toHaveAttribute('title', '.venv, not kept: ignored');
    await click('src');
    expect(await row('big.bin, not saved: larger than 64 MB')).toBeInTheDocument();
    fireEvent.click(venv);
    expect(await screen.findByText(/It is only in the sandbox\./)).toBeInTheDocument();
  });

  it('goes for good when it is deleted itself, and is not offered back', async () => {
    await open({ [`GET /sessions/${ID}/unkept`]: () => json(unkept) });
    act(() => FakeSocket.last.receive(JSON.stringify({ type: 'unkept' })));
    await click('.venv, not kept: ignored');
    await press('Delete');
    const question = await screen.findByRole('alertdialog', { name: 'Delete for good?' });
    expect(question).toHaveTextContent(
      '“.venv” and everything in it are only in the sandbox and cannot be had back.',
    );
    fireEvent.click(within(question).getByRole('button', { name: 'Delete for good' }));
    await waitFor(() => expect(removed).toHaveBeenCalledWith(['.venv'], []));
    const told = await screen.findByText('“.venv” deleted for good.');
    expect(told).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Undo' })).not.toBeInTheDocument();
    await waitFor(() => expect(screen.queryByRole('treeitem', { name: /^\.venv/ })).not.toBeInTheDocument());
  });

  it('goes together with what is kept, which alone comes back', async () => {
    await open({ [`GET /sessions/${ID}/unkept`]: () => json(unkept) });
    act(() => FakeSocket.last.receive(JSON.stringify({ type: 'unkept' })));
    await click('.venv, not kept: ignored');
    await click('z.txt', CTRL);
    await press('Delete');
    const question = await screen.findByRole('alertdialog', { name: 'Delete for good?' });
    expect(question).toHaveTextContent(
      '“.venv” and “z.txt” are deleted. “.venv” is only in the sandbox and cannot be had back.',
    );
    fireEvent.click(within(question).getByRole('button', { name: 'Delete for good' }));
    await screen.findByText('2 items deleted, “.venv” for good.');
    fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
    await waitFor(() => expect(asked).toHaveBeenCalledOnce());
    expect(asked.mock.calls[0]?.[1]).toMatchObject({ path: 'z.txt' });
  });

  it('is told of before it goes with its folder', async () => {
    await open({ [`GET /sessions/${ID}/unkept`]: () => json({ ...unkept, truncated: true }) });
    act(() => FakeSocket.last.receive(JSON.stringify({ type: 'unkept' })));
    await row('.venv, not kept: ignored');
    await click('src');
    await press('Delete');
    const dialog = await question();
    expect(dialog).toHaveAccessibleDescription(
      /At least 1 item among them is not kept and cannot be had back: “big\.bin”\./,
    );
    fireEvent.click(within(dialog).getByRole('button', { name: 'Delete' }));
    await waitFor(() => expect(removed.mock.calls).toEqual([[['src'], ['src/big.bin']]]));
    expect(await screen.findByText('“src” deleted.')).toBeInTheDocument();
  });

  it('goes without a word of its own where it is only ignored', async () => {
    const items = [{ path: 'src/.venv', kind: 'folder', why: 'ignored', text: 'ignored: not kept' }];
    await open({ [`GET /sessions/${ID}/unkept`]: () => json({ items, truncated: false }) });
    act(() => FakeSocket.last.receive(JSON.stringify({ type: 'unkept' })));
    await click('src');
    await row('.venv, not kept: ignored');
    await press('Delete');
    const dialog = await question();
    expect(dialog).toHaveAccessibleDescription(/1 item among them is not kept and cannot be had back\.$/);
    fireEvent.click(within(dialog).getByRole('button', { name: 'Delete' }));
    await waitFor(() => expect(removed.mock.calls).toEqual([[['src'], []]]));
  });

  describe('and is not known here', () => {
    const why = 'this would take along for good what is only in the sandbox: src/new.bin';
    const holding: Route = async (request) =>
      (await noteDeletion(request)) ? json({ removed: 4 }) : problem(409, 'holds_unkept', why);

    async function refusedOnce(): Promise<HTMLElement> {
      await open({ [`POST /sessions/${ID}/delete`]: holding });
      await click('src');
      await press('Delete');
      fireEvent.click(within(await question()).getByRole('button', { name: 'Delete' }));
      return screen.findByRole('alertdialog', { name: 'Delete for good?' });
    }

    it('goes when its user says so', async () => {
      const dialog = await refusedOnce();
      expect(dialog).toHaveAccessibleDescription(
        'This would take along for good what is only in the sandbox: src/new.bin.',
      );
      fireEvent.click(within(dialog).getByRole('button', { name: 'Delete for good' }));
      expect(await screen.findByText('“src” deleted.')).toBeInTheDocument();
      expect(removed.mock.calls).toEqual([
        [['src'], []],
        [['src'], 'all'],
      ]);
    });

    it('stays otherwise', async () => {
      fireEvent.click(within(await refusedOnce()).getByRole('button', { name: 'Cancel' }));
      await waitFor(() => expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument());
      expect(removed).toHaveBeenCalledTimes(1);
      expect(await row('src')).toBeInTheDocument();
    });
  });

  it('is looked at again when the server says so', async () => {
    let items = unkept.items;
    await open({ [`GET /sessions/${ID}/unkept`]: () => json({ items, truncated: false }) });
    act(() => FakeSocket.last.receive(JSON.stringify({ type: 'unkept' })));
    await row('.venv, not kept: ignored');
    items = [];
    act(() => FakeSocket.last.receive(JSON.stringify({ type: 'unkept' })));
    await waitFor(() => expect(screen.queryByRole('treeitem', { name: /not kept/ })).not.toBeInTheDocument());
  });
});

describe('the usage of the files', () => {
  it('is a meter that warns from nine tenths on', async () => {
    await open();
    const meter = screen.getByRole('meter', { name: 'Files of the session' });
    expect(meter).toHaveAttribute('aria-valuetext', '5 of 50000 items · 0 B of 240 MB');
    changed({ path: 'z.txt', item: { ...item('z.txt'), size: 224 * 1024 * 1024 } });
    expect(await screen.findByText(/Only 16\.0 MB are left\./)).toBeInTheDocument();
    changed({ path: 'z.txt', item: { ...item('z.txt'), size: 240 * 1024 * 1024 } });
    expect(await screen.findByText(/There is no room left/)).toBeInTheDocument();
  });

  it('warns of too many files, too', async () => {
    const limits = { ...TERMS.limits, max_items: 6 };
    await open({ [`GET /sessions/${ID}`]: () => json({ ...SESSION, limits }) });
    expect(screen.queryByText(/are left/)).not.toBeInTheDocument();
    changed({ path: 'sixth', item: item('sixth') });
    expect(await screen.findByText(/There is no room left/)).toBeInTheDocument();
  });
});
