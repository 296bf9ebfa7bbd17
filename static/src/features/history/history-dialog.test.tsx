import { fireEvent, screen, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import type { Item, Version } from '@/api/types';
import { treeOf } from '@/features/tree/tree-model';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { Store } from '@/lib/store';
import { json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { HistoryDialog } from './history-dialog';
import type { HistoryView } from './use-versions';

// What is compared is told; how Monaco shows it is Monaco's.
vi.mock('./diff-view', () => ({
  DiffView: ({ before, after, beside }: { before: string; after: string; beside: boolean }) => (
    <div data-testid="difference">{`${before}→${after}${beside ? '' : ' inline'}`}</div>
  ),
}));

function item(path: string, etag: string): Item {
  return { path, kind: 'file', size: 3, etag, executable: false, modified_at: '' };
}

function version(id: number, change: Partial<Version> = {}): Version {
  return {
    id,
    path: 'a.py',
    change: id === 1 ? 'created' : 'modified',
    kind: 'file',
    size: 3,
    etag: `v${id}`,
    executable: false,
    origin: 'editor',
    user: { id: 'u', display_name: 'Ada' },
    at: new Date(Date.UTC(2026, 2, 1, 9, id)).toISOString(),
    ...change,
  };
}

/** Just before the server has restored something. */
const BEFORE = '2026-03-01T09:30:00.123455Z';
const LIST = [version(3), version(2, { origin: 'terminal', user: null }), version(1)];

interface Options {
  path?: string;
  view?: HistoryView;
  versions?: Route;
  routes?: Record<string, Route>;
}

function open({ path = 'a.py', view = 'changes', versions, routes = {} }: Options = {}) {
  const list: Route = (request) => {
    const wanted = new URL(request.url).searchParams.get('version');
    if (wanted !== null) return new Response(`text ${wanted}`, { headers: { etag: `"v${wanted}"` } });
    return versions ? versions(request) : json({ items: LIST, next: null });
  };
  serve({
    [`GET /sessions/s/versions/${path}`]: list,
    'GET /sessions/s/versions/a.py': list,
    'GET /sessions/s/files/a.py': () => new Response('now', { headers: { etag: '"v3"' } }),
    ...routes,
  });
  const onClose = vi.fn();
  const onPath = vi.fn();
  const tree = treeOf([item('a.py', 'v3'), item('src/new.py', 'n')]);
  const workspace = {
    id: 's',
    services: { unkept: { state: new Store({ items: new Map(), truncated: false }) } },
    tree: { tree, state: new Store({ tree, status: { kind: 'ready', stale: false } }) },
    files: { saveWithin: vi.fn(() => Promise.resolve<string[]>([])) },
    open: vi.fn(),
  };
  renderPage(
    <WorkspaceContext value={workspace as unknown as Workspace}>
      <HistoryDialog path={path} initialView={view} onPath={onPath} onClose={onClose} />
    </WorkspaceContext>,
  );
  return { onClose, onPath, workspace };
}

async function option(id: number): Promise<HTMLElement> {
  await screen.findAllByRole('option');
  const row = document.querySelector<HTMLElement>(`[data-version="${id}"]`);
  if (!row) throw new Error(`there is no version ${id}`);
  return row;
}

describe('the history of a file', () => {
  it('says that it reads', () => {
    open({ versions: never });
    expect(screen.getByText('Reading the history…')).toBeInTheDocument();
  });

  it('says that there is none', async () => {
    open({ versions: () => json({ items: [], next: null }) });
    expect(await screen.findByText('No history yet')).toBeInTheDocument();
  });

  it('says why it cannot be read, and tries again', async () => {
    let down = true;
    open({
      versions: () => (down ? problem(503, 'unavailable', 'Not now.') : json({ items: LIST, next: null })),
    });
    expect(await screen.findByText('Not now.')).toBeInTheDocument();
    down = false;
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await option(3)).toHaveTextContent('Changed in the editor · Ada');
    expect(await option(2)).toHaveTextContent('Changed by a program');
  });

  it('says when older versions, or newer ones, could not be read, and keeps the others', async () => {
    let down = false;
    open({
      versions: (request) => {
        if (down) return problem(503, 'unavailable', 'Not now.');
        const older = new URL(request.url).searchParams.get('cursor') !== null;
        return json(older ? { items: LIST.slice(1), next: null } : { items: LIST.slice(0, 1), next: 'more' });
      },
    });
    await option(3);
    down = true;
    fireEvent.click(screen.getByRole('button', { name: 'Show older' }));
    expect(await screen.findByText('Older versions could not be read. Not now.')).toBeInTheDocument();
    down = false;
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await vi.waitFor(() => expect(screen.getAllByRole('option')).toHaveLength(3));
    down = true;
    fireEvent.click(screen.getByRole('button', { name: 'Read the history again' }));
    expect(await screen.findByText('The history could not be read again. Not now.')).toBeInTheDocument();
    expect(screen.getAllByRole('option')).toHaveLength(3);
  });

  it('compares the version that is chosen with what is there now, or two with each other', async () => {
    open();
    expect(await screen.findByTestId('difference')).toHaveTextContent('text 3→now');
    fireEvent.click(await option(1));
    expect(await screen.findByText('text 1→now')).toBeInTheDocument();
    fireEvent.click(await option(2), { ctrlKey: true });
    expect(await screen.findByText('text 1→text 2')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('radio', { name: 'Inline' }));
    expect(await screen.findByText('text 1→text 2 inline')).toBeInTheDocument();
  });

  it('works by keys', async () => {
    open();
    fireEvent.keyDown(await option(3), { key: 'ArrowDown' });
    expect(await option(2)).toHaveAttribute('aria-selected', 'true');
    fireEvent.keyDown(await option(2), { key: 'ArrowDown', shiftKey: true });
    fireEvent.keyDown(await option(1), { key: ' ' });
    expect(await screen.findByText('text 1→text 2')).toBeInTheDocument();
  });

  it('reads older versions when asked for them', async () => {
    open({
      versions: (request) =>
        new URL(request.url).searchParams.get('cursor') === '2'
          ? json({ items: [version(1)], next: null })
          : json({ items: LIST.slice(0, 2), next: '2' }),
    });
    await option(2);
    fireEvent.click(screen.getByRole('button', { name: /Show older/ }));
    await vi.waitFor(() => expect(screen.getAllByRole('option')).toHaveLength(3));
    expect(screen.queryByRole('button', { name: /Show older/ })).not.toBeInTheDocument();
  });

  it('restores a version after asking, and takes that back', async () => {
    const restore = vi.fn<(body: unknown) => void>();
    const { onClose, workspace } = open({
      routes: {
        'POST /sessions/s/restore': async (request) => {
          restore(await request.json());
          return json({ restored: 1, removed: 0, conflict_copies: [], before: BEFORE });
        },
      },
    });
    fireEvent.click(await option(1));
    fireEvent.click(screen.getByRole('button', { name: 'Restore this version…' }));
    const question = await screen.findByRole('alertdialog', { name: /Have “a.py” as on/ });
    expect(restore).not.toHaveBeenCalled();
    fireEvent.click(within(question).getByRole('button', { name: 'Restore' }));
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(restore).toHaveBeenLastCalledWith({ path: 'a.py', version: 1 });
    expect(workspace.files.saveWithin).toHaveBeenCalledWith('a.py');
    fireEvent.click(await screen.findByRole('button', { name: 'Undo', hidden: true }));
    await vi.waitFor(() => expect(restore).toHaveBeenCalledTimes(2));
    expect(restore).toHaveBeenLastCalledWith({ path: 'a.py', at: BEFORE });
  });

  it('shows pictures beside each other, and of other files what can be told', async () => {
    const picture = { path: 'a.png', etag: 'p' };
    open({ path: 'a.png', versions: () => json({ items: [version(1, picture)], next: null }) });
    const image = await screen.findByRole('img', { name: 'The older version of a.png' });
    expect(image).toHaveAttribute('src', '/api/v1/sessions/s/versions/a.png?version=1');
    expect(screen.getByText('Nothing is there.')).toBeInTheDocument();
  });
});

describe('the history of the workspace', () => {
  const TREE: Route = (request) => {
    const at = new URL(request.url).searchParams.get('at');
    return json({ items: at === version(1).at ? [item('a.py', 'v1'), item('old.py', 'o')] : [], next: null });
  };

  it('shows what going back would change before it is done', async () => {
    const restore = vi.fn<(body: unknown) => void>();
    open({
      path: '',
      routes: {
        'GET /sessions/s/tree': TREE,
        'POST /sessions/s/restore': async (request) => {
          restore(await request.json());
          return json({ restored: 2, removed: 2, conflict_copies: ['a (conflict).py'], before: BEFORE });
        },
      },
    });
    fireEvent.click(await option(1));
    fireEvent.click(screen.getByRole('radio', { name: 'All of it as it was at a time' }));
    expect(await screen.findByText('1 added, 1 changed, 2 removed')).toBeInTheDocument();
    expect(within(screen.getByRole('list', { name: 'Added again' })).getByText(/old.py/)).toBeInTheDocument();
    expect(within(screen.getByRole('list', { name: 'Changed' })).getByText(/a.py/)).toBeInTheDocument();
    expect(
      within(screen.getByRole('list', { name: 'Removed' })).getByText(/src\/new.py/),
    ).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Go back to this…' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Go back' }));
    expect(
      await screen.findByText(/The workspace is as it was \(2 brought back, 2 removed\)/),
    ).toBeInTheDocument();
    expect(screen.getByText(/Theirs is kept as “a \(conflict\).py”/)).toBeInTheDocument();
    expect(restore).toHaveBeenLastCalledWith({ path: null, at: version(1).at });
  });

  it('changes nothing while text is only here', async () => {
    const restore = vi.fn(() => json({ restored: 0, removed: 0 }));
    const { workspace } = open({
      path: '',
      routes: { 'GET /sessions/s/tree': TREE, 'POST /sessions/s/restore': restore },
    });
    workspace.files.saveWithin.mockResolvedValue(['a.py']);
    fireEvent.click(await option(1));
    fireEvent.click(screen.getByRole('radio', { name: 'All of it as it was at a time' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Go back to this…' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Go back' }));
    expect(await screen.findByText(/“a.py” is not saved\..* Nothing was changed\./)).toBeInTheDocument();
    expect(restore).not.toHaveBeenCalled();
  });

  it('takes a time that is typed, too', async () => {
    open({ path: '', routes: { 'GET /sessions/s/tree': () => json({ items: [], next: null }) } });
    await option(1);
    fireEvent.click(screen.getByRole('radio', { name: 'All of it as it was at a time' }));
    fireEvent.change(screen.getByLabelText('As the whole workspace was at'), {
      target: { value: '2026-01-01T00:00:00' },
    });
    expect(await screen.findByText('0 added, 0 changed, 3 removed')).toBeInTheDocument();
  });

  it('leads to the history of one file', async () => {
    const { onPath } = open({ path: '' });
    fireEvent.click(await option(2));
    fireEvent.click(await screen.findByRole('button', { name: 'Its history' }));
    expect(onPath).toHaveBeenCalledWith('a.py');
  });

  it('lists what is deleted and has it back at once', async () => {
    const restore = vi.fn<(body: unknown) => void>();
    const lost = version(7, { path: 'lost.py', change: 'removed' });
    open({
      path: '',
      view: 'deleted',
      versions: (request) =>
        json({
          items: new URL(request.url).searchParams.get('change') === 'removed' ? [lost] : [],
          next: null,
        }),
      routes: {
        'GET /sessions/s/versions/lost.py': () => json({ items: [lost], next: null }),
        'POST /sessions/s/restore': async (request) => {
          restore(await request.json());
          return json({ restored: 1, removed: 0, conflict_copies: [], before: BEFORE });
        },
      },
    });
    expect(await option(7)).toHaveTextContent('lost.py');
    fireEvent.click(screen.getByRole('button', { name: 'Undelete' }));
    expect(await screen.findByText(/“lost.py” is back/)).toBeInTheDocument();
    expect(restore).toHaveBeenLastCalledWith({ path: 'lost.py' });
  });
});
