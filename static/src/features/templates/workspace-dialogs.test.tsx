import { fireEvent, screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReactNode } from 'react';
import type { Item } from '@/api/types';
import { treeOf } from '@/features/tree/tree-model';
import type { Overlay } from '@/features/workspace/overlay';
import { Overlays } from '@/features/workspace/overlays';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { Store } from '@/lib/store';
import { json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { TemplateBanner } from './template-banner';

const push = vi.hoisted(() => vi.fn());
vi.mock('next/navigation', () => ({ useRouter: () => ({ push }), usePathname: () => '/' }));

const SNAPSHOT = { id: 's1', name: 'Before', items: 2, bytes: 2048, created_at: '2026-01-01T00:00:00Z' };
const TEMPLATE = {
  id: 't1',
  name: 'pandas',
  title: 'Pandas course',
  description: 'First week.',
  items: 12,
  bytes: 4096,
  revision: 3,
  updated_at: '2026-01-01T00:00:00Z',
};

const USE = { id: 't1', name: 'pandas', revision: 2, newest: 3 };

function file(path: string): Item {
  return { path, kind: 'file', size: 1, etag: 'x', executable: false, modified_at: '' };
}

function open(overlay: Overlay | null, routes: Record<string, Route>, page: ReactNode = null) {
  serve({ 'GET /sessions/w': () => json({ id: 'w', template: USE }), ...routes });
  const tree = treeOf([file('a.py'), file('a (template).py')]);
  const workspace = {
    id: 'w',
    overlay: new Store<Overlay | null>(overlay),
    session: new Store({
      id: 'w',
      name: 'Week 1: Pandas!',
      // As the session's news have it: older than what the server answers.
      template: { ...USE, newest: 2 },
    }),
    tree: { state: new Store({ tree, status: { kind: 'ready', stale: false } }) },
    files: { saveDecided: vi.fn(() => Promise.resolve([])), find: () => undefined },
  };
  renderPage(
    <WorkspaceContext value={workspace as unknown as Workspace}>
      {page}
      <Overlays />
    </WorkspaceContext>,
  );
  return workspace;
}

beforeEach(() => push.mockReset());

describe('snapshots', () => {
  it('load, and say why they cannot', async () => {
    open({ kind: 'snapshots' }, { 'GET /sessions/w/snapshots': never });
    expect(await screen.findByText('Loading snapshots…')).toBeInTheDocument();
  });

  it('say why they cannot be listed', async () => {
    open({ kind: 'snapshots' }, { 'GET /sessions/w/snapshots': () => problem(503, 'x', 'Not now.') });
    expect(await screen.findByText('Not now.')).toBeInTheDocument();
  });

  it('are taken after everything is saved, and shown', async () => {
    let items: unknown[] = [];
    const workspace = open(
      { kind: 'snapshots' },
      {
        'GET /sessions/w/snapshots': () => json({ items, next: null }),
        'POST /sessions/w/snapshots': async (request) => {
          expect(await request.json()).toEqual({ name: 'Before' });
          items = [SNAPSHOT];
          return json(SNAPSHOT, 201);
        },
      },
    );
    expect(await screen.findByText('No snapshots yet')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Take' }));
    expect(await screen.findByText('Type a name.')).toBeInTheDocument();
    fireEvent.change(screen.getByLabelText('Name of a new snapshot'), { target: { value: 'Before' } });
    fireEvent.click(screen.getByRole('button', { name: 'Take' }));
    expect(await screen.findByText(/2 items, 2.0 KB/)).toBeInTheDocument();
    expect(workspace.files.saveDecided).toHaveBeenCalled();
  });

  it('say why one cannot be taken', async () => {
    open(
      { kind: 'snapshots' },
      {
        'GET /sessions/w/snapshots': () => json({ items: [], next: null }),
        'POST /sessions/w/snapshots': () => problem(429, 'snapshot_limit', 'Enough.'),
      },
    );
    fireEvent.change(await screen.findByLabelText('Name of a new snapshot'), { target: { value: 'x' } });
    fireEvent.click(screen.getByRole('button', { name: 'Take' }));
    expect(await screen.findByText('Enough.')).toBeInTheDocument();
  });

  it('become sessions, or are deleted after asking', async () => {
    let items: unknown[] = [SNAPSHOT];
    const create = vi.fn<(body: unknown) => void>();
    open(
      { kind: 'snapshots' },
      {
        'GET /sessions/w/snapshots': () => json({ items, next: null }),
        'DELETE /sessions/w/snapshots/s1': () => {
          items = [];
          return new Response(null, { status: 204 });
        },
        'POST /sessions': async (request) => {
          create(await request.json());
          return problem(429, 'session_limit', 'Enough sessions.');
        },
      },
    );
    fireEvent.click(await screen.findByRole('button', { name: 'New session of it' }));
    expect(await screen.findByText('Enough sessions.')).toBeInTheDocument();
    expect(create).toHaveBeenCalledWith({ name: 'Before', snapshot: 's1' });
    fireEvent.click(screen.getByRole('button', { name: 'Delete Before' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Delete snapshot' }));
    expect(await screen.findByText('No snapshots yet')).toBeInTheDocument();
  });
});

describe('publishing a template', () => {
  it('suggests a name, and makes the next revision of one that is there', async () => {
    const publish = vi.fn<(body: unknown) => void>();
    open(
      { kind: 'publish' },
      {
        'GET /templates': () => json({ items: [TEMPLATE], next: null }),
        'POST /admin/templates': async (request) => {
          publish(await request.json());
          return json({ ...TEMPLATE, revision: 4 }, 201);
        },
      },
    );
    expect(screen.getByLabelText('Name')).toHaveValue('week-1-pandas');
    fireEvent.click(await screen.findByRole('button', { name: 'Next revision' }));
    expect(screen.getByLabelText('Title')).toHaveValue('Pandas course');
    fireEvent.click(screen.getByRole('button', { name: 'Publish revision 4' }));
    expect(await screen.findByText('“Pandas course” is published, revision 4.')).toBeInTheDocument();
    expect(publish).toHaveBeenCalledWith({
      name: 'pandas',
      title: 'Pandas course',
      description: 'First week.',
      session: 'w',
    });
  });

  it('deletes one after asking', async () => {
    const remove = vi.fn(() => new Response(null, { status: 204 }));
    open(
      { kind: 'publish' },
      {
        'GET /templates': () => json({ items: [TEMPLATE], next: null }),
        'DELETE /admin/templates/t1': remove,
      },
    );
    fireEvent.click(await screen.findByRole('button', { name: 'Delete Pandas course' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Delete template' }));
    await vi.waitFor(() => expect(remove).toHaveBeenCalledTimes(1));
  });
});

describe('a template that has changed', () => {
  const RESULT = {
    updated: ['data/new.csv'],
    removed: [],
    conflicts: [
      { path: 'a.py', copy: 'a (template).py' },
      { path: 'b.py', copy: 'b (template).py' },
    ],
  };

  it('is followed when the user says so, and tells what is to be merged', async () => {
    const workspace = open(
      null,
      { 'POST /sessions/w/template/update': () => json(RESULT) },
      <TemplateBanner />,
    );
    fireEvent.click(await screen.findByRole('button', { name: 'Update' }));
    const dialog = await screen.findByRole('dialog', { name: 'The template was followed' });
    expect(dialog).toHaveTextContent('1 updated, 0 removed, 2 for you to merge.');
    // The copy of the other is gone already.
    expect(within(dialog).getByText('Merged')).toBeInTheDocument();
    fireEvent.click(within(dialog).getByRole('button', { name: 'Merge…' }));
    expect(workspace.overlay.get()).toMatchObject({
      kind: 'merge',
      source: { kind: 'copy', path: 'a.py', copy: 'a (template).py', origin: 'template' },
      back: { kind: 'template_update' },
    });
    expect(screen.queryByRole('button', { name: 'Update' })).not.toBeInTheDocument();
  });

  it('says why it cannot be followed, and leaves when not wanted', async () => {
    open(
      null,
      { 'POST /sessions/w/template/update': () => problem(507, 'x', 'No room.') },
      <TemplateBanner />,
    );
    fireEvent.click(await screen.findByRole('button', { name: 'Update' }));
    expect(await screen.findByText('No room.')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Not now' }));
    expect(screen.queryByRole('button', { name: 'Update' })).not.toBeInTheDocument();
  });
});
