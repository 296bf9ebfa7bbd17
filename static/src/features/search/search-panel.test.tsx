import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthGate } from '@/features/auth/auth-gate';
import { WorkspacePage } from '@/features/workspace/workspace-page';
import { FakeSocket } from '@/test/fake-socket';
import { TERMS, USER, json, never, problem, renderPage, serve, type Route } from '@/test/render-page';

const ID = '55555555-5555-4555-8555-555555555555';
vi.mock('next/navigation', () => ({
  useRouter: () => ({ push: vi.fn() }),
  usePathname: () => `/s/55555555-5555-4555-8555-555555555555/`,
}));

const SESSION = {
  id: ID,
  name: 'Search',
  state: 'starting',
  reason: null,
  created_at: '2026-01-01T00:00:00Z',
  last_active_at: '2026-01-01T00:00:00Z',
  ...TERMS,
  usage: { items: 0, bytes: 0 },
};
const FOUND = {
  items: [
    { path: 'src/a.py', line: 3, column: 5, length: 4, text: 'let data = 1', before: 4 },
    { path: 'src/a.py', line: 9, column: 1, length: 4, text: 'data.close()', before: 0 },
    { path: 'b.md', line: 1, column: 1, length: 4, text: 'data', before: 0 },
  ],
  files: 2,
  truncated: false,
  skipped: 1,
};

const queries: URLSearchParams[] = [];
const replaced: unknown[] = [];

async function open(routes: Record<string, Route> = {}): Promise<void> {
  const item = (path: string) => ({ path, kind: 'file', size: 0, executable: false, modified_at: '' });
  serve({
    'GET /me': () => json(USER),
    [`GET /sessions/${ID}`]: () => json(SESSION),
    [`GET /sessions/${ID}/tree`]: () => json({ items: [item('src/a.py'), item('b.md')], next: null }),
    [`GET /sessions/${ID}/search`]: (request) => {
      queries.push(new URL(request.url).searchParams);
      return json(FOUND);
    },
    [`POST /sessions/${ID}/replace`]: async (request) => {
      const body = (await request.json()) as { seen?: { path: string; etag: string }[] };
      replaced.push(body);
      const files = [
        { path: 'b.md', replacements: 1, etag: 'x', before: 'data\n', after: 'info\n' },
        { path: 'src/a.py', replacements: 2, etag: 'x' },
      ].filter(({ path }) => body.seen?.some((one) => one.path === path) ?? true);
      return json({ files, replacements: files.length, conflicts: [], truncated: false });
    },
    ...routes,
  });
  renderPage(
    <AuthGate>
      <WorkspacePage />
    </AuthGate>,
  );
  await screen.findByRole('treeitem', { name: 'b.md' });
  act(() => FakeSocket.last.open());
  fireEvent.keyDown(window, { key: 'F', code: 'KeyF', ctrlKey: true, shiftKey: true });
}

async function find(text: string): Promise<void> {
  const field = screen.getByRole('textbox', { name: 'Find' });
  fireEvent.change(field, { target: { value: text } });
  fireEvent.keyDown(field, { key: 'Enter' });
  await act(() => Promise.resolve());
}

beforeEach(() => {
  FakeSocket.install();
  queries.length = 0;
  replaced.length = 0;
});

describe('find in files', () => {
  it('comes with Ctrl+Shift+F, takes the keyboard, and goes with Escape', async () => {
    await open();
    const field = screen.getByRole('textbox', { name: 'Find' });
    expect(field).toHaveFocus();
    expect(screen.queryByRole('region', { name: 'Files' })).not.toBeInTheDocument();
    fireEvent.keyDown(field, { key: 'Escape' });
    expect(screen.getByRole('region', { name: 'Files' })).toBeInTheDocument();
    expect(screen.getByRole('treeitem', { name: 'src' })).toHaveFocus();
  });

  it('leaves Enter on a button to the button', async () => {
    await open();
    // True: the browser goes on to press it.
    expect(fireEvent.keyDown(screen.getByRole('button', { name: 'Match case' }), { key: 'Enter' })).toBe(
      true,
    );
    expect(fireEvent.keyDown(screen.getByRole('textbox', { name: 'Find' }), { key: 'Enter' })).toBe(false);
  });

  it('asks with all that was chosen, and shows what was found by file', async () => {
    await open();
    fireEvent.click(screen.getByRole('button', { name: 'Match case' }));
    fireEvent.click(screen.getByRole('button', { name: 'Regular expression' }));
    fireEvent.click(screen.getByRole('button', { name: 'Which files' }));
    fireEvent.change(screen.getByRole('textbox', { name: 'Only in these files' }), {
      target: { value: '*.py' },
    });
    await find('data');
    expect(await screen.findByRole('treeitem', { name: 'a.py, src, 2 matches' })).toBeInTheDocument();
    expect(Object.fromEntries(queries.at(-1) ?? [])).toEqual({
      q: 'data',
      limit: '1000',
      regex: 'true',
      case: 'true',
      word: 'false',
      include: '*.py',
    });
    expect(screen.getByRole('treeitem', { name: 'Line 3: let data = 1' })).toBeInTheDocument();
    expect(
      screen.getByText(/^3 matches in 2 files\. 1 large or unreadable file was left out\.$/),
    ).toBeInTheDocument();
    expect(screen.getAllByText('data', { selector: 'mark' })).toHaveLength(3);
  });

  it('is gone through by the keyboard', async () => {
    await open();
    await find('data');
    await screen.findByRole('treeitem', { name: 'b.md, 1 match' });
    const press = (key: string): boolean =>
      fireEvent.keyDown(document.activeElement ?? document.body, { key, code: key });
    press('ArrowDown');
    expect(screen.getByRole('treeitem', { name: 'a.py, src, 2 matches' })).toHaveFocus();
    press('ArrowDown');
    press('ArrowDown');
    expect(screen.getByRole('treeitem', { name: 'Line 9: data.close()' })).toHaveFocus();
    press('ArrowLeft');
    press('ArrowLeft');
    expect(screen.queryByRole('treeitem', { name: 'Line 9: data.close()' })).not.toBeInTheDocument();
    press('ArrowRight');
    press('ArrowDown');
    press('Enter');
    expect(await screen.findByRole('tab', { name: 'a.py' })).toBeInTheDocument();
    press('ArrowUp');
    press('ArrowUp');
    expect(screen.getByRole('textbox', { name: 'Find' })).toHaveFocus();
  });

  it('says while it looks, when there is nothing, and why it failed', async () => {
    let route: Route = never;
    await open({ [`GET /sessions/${ID}/search`]: (request) => route(request) });
    await find('data');
    expect(await screen.findByText('Looking…')).toBeInTheDocument();
    route = () => json({ ...FOUND, items: [], files: 0 });
    await find('nothing');
    expect(await screen.findByText('Nothing was found')).toBeInTheDocument();
    route = () => problem(400, 'invalid_query', 'Unclosed group.');
    await find('(');
    expect(await screen.findByText('Unclosed group.')).toBeInTheDocument();
  });
});

describe('replacing in files', () => {
  it('is shown before it is done, and leaves out what was taken out', async () => {
    await open();
    await find('data');
    await screen.findByRole('treeitem', { name: 'b.md, 1 match' });
    fireEvent.click(screen.getByRole('button', { name: 'Replace' }));
    fireEvent.change(screen.getByRole('textbox', { name: 'Replace with' }), { target: { value: 'info' } });
    fireEvent.click(screen.getByRole('button', { name: 'Replace…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Replace in files' });
    expect(await within(dialog).findByText('info')).toBeInTheDocument();
    expect(replaced).toMatchObject([{ q: 'data', replacement: 'info', preview: true }]);
    expect(within(dialog).getByRole('button', { name: 'Replace 3 in 2 files' })).toBeInTheDocument();
    fireEvent.click(within(dialog).getByRole('checkbox', { name: 'Replace in src/a.py' }));
    fireEvent.click(within(dialog).getByRole('button', { name: 'Replace 1 in 1 file' }));
    const seen = [{ path: 'b.md', etag: 'x' }];
    await waitFor(() => expect(replaced.at(-1)).toMatchObject({ preview: false, seen }));
    expect(await screen.findByText('1 replaced in 1 file.')).toBeInTheDocument();
    expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
  });

  it('says what has changed meanwhile and was left as it is', async () => {
    let answers = 0;
    await open({
      [`POST /sessions/${ID}/replace`]: () => {
        answers += 1;
        const files = [{ path: 'b.md', replacements: 1, etag: 'x', before: 'data', after: '' }];
        return json({ files, replacements: 1, conflicts: answers > 1 ? ['b.md'] : [], truncated: false });
      },
    });
    await find('data');
    await screen.findByRole('treeitem', { name: 'b.md, 1 match' });
    fireEvent.click(screen.getByRole('button', { name: 'Replace' }));
    fireEvent.click(screen.getByRole('button', { name: 'Replace…' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Replace 1 in 1 file' }));
    expect(
      await screen.findByText('“b.md” has changed meanwhile, and nothing was replaced there.'),
    ).toBeInTheDocument();
  });
});
