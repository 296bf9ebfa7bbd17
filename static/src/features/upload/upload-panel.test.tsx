import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AuthGate } from '@/features/auth/auth-gate';
import { WorkspacePage } from '@/features/workspace/workspace-page';
import { FakeSocket } from '@/test/fake-socket';
import { TERMS, USER, json, never, problem, renderPage, serve, type Route } from '@/test/render-page';

const ID = '66666666-6666-4666-8666-666666666666';
vi.mock('next/navigation', () => ({
  useRouter: () => ({ push: vi.fn() }),
  usePathname: () => `/s/66666666-6666-4666-8666-666666666666/`,
}));

const SESSION = {
  id: ID,
  name: 'Upload',
  state: 'starting',
  reason: null,
  created_at: '2026-01-01T00:00:00Z',
  last_active_at: '2026-01-01T00:00:00Z',
  ...TERMS,
  limits: { max_file_mb: 2, max_total_mb: 1, max_items: 100 },
  usage: { items: 0, bytes: 0 },
};

const begun: { path: string; size: number; replace: boolean }[] = [];
const taken = new Set<string>();

async function open(routes: Record<string, Route> = {}): Promise<void> {
  const item = (path: string, kind: string) => ({ path, kind, size: 0, executable: false, modified_at: '' });
  const items = [item('src', 'folder'), item('z.txt', 'file')];
  serve({
    'GET /me': () => json(USER),
    [`GET /sessions/${ID}`]: () => json(SESSION),
    [`GET /sessions/${ID}/tree`]: () => json({ items, next: null }),
    [`POST /sessions/${ID}/upload`]: async (request) => {
      const wanted = (await request.json()) as (typeof begun)[number];
      if (taken.has(wanted.path) && !wanted.replace) return problem(409, 'already_exists', 'Taken.');
      begun.push(wanted);
      return json({ id: 'u', ...wanted, offset: 0, chunk_bytes: 1024 }, 201);
    },
    [`PUT /sessions/${ID}/upload/u`]: () => json(item('x', 'file'), 201),
    [`DELETE /sessions/${ID}/upload/u`]: () => new Response(null, { status: 204 }),
    ...routes,
  });
  renderPage(
    <AuthGate>
      <WorkspacePage />
    </AuthGate>,
  );
  await screen.findByRole('treeitem', { name: 'src' });
  act(() => FakeSocket.last.open());
}

function choose(...files: File[]): void {
  fireEvent.change(screen.getByLabelText('Files to upload'), { target: { files } });
}

function drop(target: HTMLElement, ...names: string[]): void {
  const items = names.map((name) => ({
    kind: 'file',
    webkitGetAsEntry: () => ({
      name,
      isFile: true,
      isDirectory: false,
      file: (done: (file: File) => void) => done(new File(['x'], name)),
    }),
  }));
  const dataTransfer = { types: ['Files'], items, dropEffect: 'none', effectAllowed: 'all' };
  fireEvent.dragOver(target, { dataTransfer });
  expect(dataTransfer.dropEffect).toBe('copy');
  fireEvent.drop(target, { dataTransfer });
}

beforeEach(() => {
  FakeSocket.install();
  begun.length = 0;
  taken.clear();
});

describe('files that are dropped', () => {
  it('go into the folder they are dropped on, or that of the file, or the top', async () => {
    await open();
    drop(await screen.findByRole('treeitem', { name: 'src' }), 'a.txt');
    await waitFor(() => expect(begun.map(({ path }) => path)).toEqual(['src/a.txt']));
    expect(await screen.findByText('1 file uploaded')).toBeInTheDocument();
    drop(await screen.findByRole('treeitem', { name: 'z.txt' }), 'b.txt', 'c.txt');
    await waitFor(() => expect(begun.map(({ path }) => path)).toEqual(['src/a.txt', 'b.txt', 'c.txt']));
    expect(await screen.findByText('2 files uploaded')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Close the uploads' }));
    expect(screen.queryByRole('region', { name: 'Uploads' })).not.toBeInTheDocument();
  });

  it('do nothing where nothing takes them, and the page stays', async () => {
    await open();
    const dataTransfer = { types: ['Files'], items: [], dropEffect: 'copy' };
    // False: the browser does not do what it would.
    expect(fireEvent.dragOver(screen.getByRole('region', { name: 'Editor' }), { dataTransfer })).toBe(false);
    expect(dataTransfer.dropEffect).toBe('none');
    expect(fireEvent.drop(screen.getByRole('region', { name: 'Editor' }), { dataTransfer })).toBe(false);
    expect(begun).toEqual([]);
  });
});

describe('files that are chosen', () => {
  it('show how far they are, and can be given up', async () => {
    await open({ [`PUT /sessions/${ID}/upload/u`]: never });
    choose(new File(['0123456789'], 'a.txt'));
    expect(await screen.findByText('Uploading 1 file · 0 %')).toBeInTheDocument();
    expect(screen.getByRole('progressbar', { name: 'a.txt' })).toHaveAttribute('aria-valuenow', '0');
    fireEvent.click(screen.getByRole('button', { name: 'Cancel a.txt' }));
    expect(await screen.findByText('cancelled')).toBeInTheDocument();
  });

  it('ask what to do about those that are there already', async () => {
    taken.add('a.txt').add('b.txt');
    await open();
    choose(new File(['x'], 'a.txt'), new File(['x'], 'b.txt'));
    const dialog = await screen.findByRole('alertdialog', { name: '“a.txt” is there already' });
    fireEvent.click(await within(dialog).findByRole('checkbox'));
    fireEvent.click(within(dialog).getByRole('button', { name: 'Replace' }));
    expect(await screen.findByText('2 files uploaded')).toBeInTheDocument();
    expect(begun).toMatchObject([
      { path: 'a.txt', replace: true },
      { path: 'b.txt', replace: true },
    ]);
  });

  it('go on with the others when the question is waved away, and are asked about anew the next time', async () => {
    taken.add('a.txt').add('b.txt');
    await open();
    choose(new File(['x'], 'a.txt'), new File(['x'], 'b.txt'));
    const first = await screen.findByRole('alertdialog', { name: '“a.txt” is there already' });
    fireEvent.keyDown(first, { key: 'Escape' });
    const second = await screen.findByRole('alertdialog', { name: '“b.txt” is there already' });
    fireEvent.click(within(second).getByRole('button', { name: 'Replace' }));
    expect(await screen.findByText('1 file uploaded')).toBeInTheDocument();
    expect(begun).toMatchObject([{ path: 'b.txt', replace: true }]);
  });

  it('are all given up only when that is said', async () => {
    taken.add('a.txt').add('b.txt');
    await open();
    choose(new File(['x'], 'a.txt'), new File(['x'], 'b.txt'));
    const dialog = await screen.findByRole('alertdialog', { name: '“a.txt” is there already' });
    fireEvent.click(await within(dialog).findByRole('button', { name: 'Cancel all' }));
    expect(await screen.findAllByText('cancelled')).toHaveLength(2);
  });

  it('say why they failed', async () => {
    await open({ [`POST /sessions/${ID}/upload`]: () => problem(413, 'file_too_large', 'At most 64 MB.') });
    choose(new File(['x'], 'a.txt'));
    expect(await screen.findByText('At most 64 MB.')).toBeInTheDocument();
    expect(screen.getByText('1 of 1 file failed')).toBeInTheDocument();
  });

  it('are refused before they are sent when there is no room', async () => {
    await open();
    choose(new File([new Uint8Array(2 * 1024 * 1024)], 'a.bin'));
    expect(
      await screen.findByText(/2\.0 MB are to be uploaded, and there is room for 1\.0 MB/),
    ).toBeInTheDocument();
    expect(begun).toEqual([]);
  });
});

describe('the import of an archive', () => {
  async function dialog(): Promise<HTMLElement> {
    const button = screen.getByRole('button', { name: 'Upload, import, download' });
    fireEvent.keyDown(button, { key: 'Enter' });
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Import an archive…' }));
    return screen.findByRole('dialog', { name: 'Import an archive' });
  }

  it('tells what was made and what was left out', async () => {
    const asked: string[] = [];
    await open({
      [`POST /sessions/${ID}/import`]: (request) => {
        asked.push(new URL(request.url).search);
        return json({ items: 3, bytes: 2048, skipped: [{ path: 'a.py', why: 'exists' }] });
      },
    });
    const shown = await dialog();
    fireEvent.click(within(shown).getByRole('button', { name: 'Import' }));
    expect(await within(shown).findByText('Choose a zip archive or a git bundle.')).toBeInTheDocument();
    fireEvent.change(within(shown).getByLabelText('Archive to import'), {
      target: { files: [new File(['PK'], 'work.zip')] },
    });
    fireEvent.change(within(shown).getByLabelText('Into the folder'), { target: { value: '/data/new/' } });
    fireEvent.click(within(shown).getByRole('button', { name: 'Import' }));
    const done = await screen.findByRole('dialog', { name: 'The archive was imported' });
    expect(done).toHaveAccessibleDescription('3 items, 2.0 KB.');
    expect(within(done).getByText('is there already')).toBeInTheDocument();
    expect(asked).toEqual(['?path=data/new&kind=zip&replace=false']);
  });

  it('is not broken off by Escape or a stray click', async () => {
    await open({ [`POST /sessions/${ID}/import`]: never });
    const shown = await dialog();
    fireEvent.change(within(shown).getByLabelText('Archive to import'), {
      target: { files: [new File(['x'], 'work.zip')] },
    });
    fireEvent.click(within(shown).getByRole('button', { name: 'Import' }));
    await within(shown).findByText(/Sending and unpacking/);
    fireEvent.keyDown(shown, { key: 'Escape' });
    fireEvent.pointerDown(document.body);
    expect(shown).toBeInTheDocument();
    fireEvent.click(within(shown).getByRole('button', { name: 'Cancel' }));
    expect(shown).not.toBeInTheDocument();
  });

  it('says why an archive was refused', async () => {
    await open({
      [`POST /sessions/${ID}/import`]: () => problem(400, 'bad_archive', 'A name leads out of it.'),
    });
    const shown = await dialog();
    fireEvent.change(within(shown).getByLabelText('Archive to import'), {
      target: { files: [new File(['x'], 'work.bundle')] },
    });
    fireEvent.click(within(shown).getByRole('button', { name: 'Import' }));
    expect(await within(shown).findByText('A name leads out of it.')).toBeInTheDocument();
  });
});
