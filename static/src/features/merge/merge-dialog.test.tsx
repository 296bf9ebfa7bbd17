import { fireEvent, screen, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { MergeSource } from '@/features/workspace/overlay';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { MergeDialog } from './merge-dialog';
import { MergeResult } from './merge-result';
import { mergeTexts } from './three-way';

const FILE: MergeSource = { kind: 'file', path: 'a.py' };
const COPY: MergeSource = { kind: 'copy', path: 'a.py', copy: 'b.py', origin: 'mine' };

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** An open file whose base is `a b c`. */
function openFile(mine: string, theirs: string) {
  const file = {
    unsaved: true,
    save: vi.fn(() => Promise.resolve(true)),
    sides: vi.fn(() =>
      Promise.resolve({
        mine,
        theirs: { bytes: bytes(theirs), etag: '"theirs"' },
        base: { etag: '"base"', bytes: bytes('a\nb\nc\n') },
      }),
    ),
    takeMerged: vi.fn(() => Promise.resolve(true)),
    takeMine: vi.fn(() => Promise.resolve(true)),
    takeTheirs: vi.fn(() => Promise.resolve()),
    keepBoth: vi.fn((copy: string) => Promise.resolve(copy)),
    state: { get: () => ({ save: { kind: 'conflict' } }) },
  };
  return file;
}

function open(
  source: MergeSource,
  file: ReturnType<typeof openFile> | undefined,
  routes: Record<string, Route> = {},
) {
  serve(routes);
  const onClose = vi.fn();
  const workspace = {
    id: 's',
    files: { find: (path: string) => (path === 'a.py' ? file : undefined), close: vi.fn() },
    open: vi.fn(),
  };
  renderPage(
    <WorkspaceContext value={workspace as unknown as Workspace}>
      <MergeDialog source={source} onClose={onClose} />
    </WorkspaceContext>,
  );
  return { onClose, workspace };
}

async function conflict(number: number): Promise<HTMLElement> {
  return screen.findByRole('group', { name: `Conflict ${number}: take` });
}

beforeEach(() => vi.spyOn(console, 'error').mockImplementation(() => undefined));

describe('merging a file', () => {
  it('says that it reads, and why it cannot', async () => {
    open(COPY, undefined, {
      'GET /sessions/s/files/a.py': never,
      'GET /sessions/s/files/b.py': () => problem(404, 'not_found', 'There is no such file.'),
    });
    expect(screen.getByText('Reading both versions…')).toBeInTheDocument();
    expect(await screen.findByText('There is no such file.')).toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Try again' })).toBeInTheDocument();
  });

  it('merges by itself what is not in conflict, and saves over just that version', async () => {
    const file = openFile('A\nb\nc\n', 'a\nb\nC\n');
    const { onClose } = open(FILE, file);
    expect(await screen.findByText(/Nothing is in conflict · 2 changes/)).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Save the result' }));
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(file.takeMerged).toHaveBeenCalledWith('A\nb\nC\n', '"theirs"');
  });

  it('asks about a conflict with a click, and saves nothing before it is decided', async () => {
    const file = openFile('a\nm\nc\n', 'a\nt\nc\n');
    open(FILE, file);
    const choices = await conflict(1);
    fireEvent.click(screen.getByRole('button', { name: 'Save the result' }));
    expect(await screen.findByText('One conflict is not decided yet.')).toBeInTheDocument();
    expect(file.takeMerged).not.toHaveBeenCalled();
    fireEvent.click(within(choices).getByRole('button', { name: 'Both' }));
    expect(screen.getByText('Both taken')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Save the result' }));
    await vi.waitFor(() => expect(file.takeMerged).toHaveBeenCalledWith('a\nm\nt\nc\n', '"theirs"'));
  });

  it('works by keys alone', async () => {
    const file = openFile('a\nm\nc\n', 'a\nt\nc\n');
    open(FILE, file);
    await conflict(1);
    const dialog = screen.getByRole('dialog', { name: 'Merge “a.py”' });
    fireEvent.keyDown(dialog, { code: 'KeyT', altKey: true });
    expect(screen.getByText('Theirs taken')).toBeInTheDocument();
    fireEvent.keyDown(dialog, { code: 'KeyM', altKey: true, shiftKey: true });
    expect(screen.getByText('Mine taken')).toBeInTheDocument();
    fireEvent.keyDown(dialog, { code: 'KeyS', ctrlKey: true });
    await vi.waitFor(() => expect(file.takeMerged).toHaveBeenCalledWith('a\nm\nc\n', '"theirs"'));
  });

  it('begins again when the file has changed while it was merged', async () => {
    const file = openFile('a\nb\nm\n', 'a\nb\nc\nt\n');
    file.takeMerged.mockResolvedValueOnce(false);
    open(FILE, file);
    fireEvent.click(within(await conflict(1)).getByRole('button', { name: 'Mine' }));
    fireEvent.click(screen.getByRole('button', { name: 'Save the result' }));
    expect(await screen.findByText(/has changed again meanwhile/)).toBeInTheDocument();
    await vi.waitFor(() => expect(file.sides).toHaveBeenCalledTimes(2));
    expect(await screen.findByText('Not decided')).toBeInTheDocument();
  });

  it('offers one, the other or both files where there are no lines', async () => {
    const file = openFile('a\n', 'a\u0000b');
    const { onClose } = open(FILE, file);
    fireEvent.click(await screen.findByRole('button', { name: 'Keep both files' }));
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(file.keepBoth.mock.calls[0]?.[0]).toMatch(/^a \(mine .*\)\.py$/);
  });

  it('says so when a file was closed that cannot be merged by lines', async () => {
    const file = openFile('a\n', 'a\u0000b');
    const { workspace, onClose } = open(FILE, file);
    const take = await screen.findByRole('button', { name: 'Take mine' });
    workspace.files.find = () => undefined;
    fireEvent.click(take);
    expect(await screen.findByText('The file is not open any more.')).toBeInTheDocument();
    expect(onClose).not.toHaveBeenCalled();
  });

  it('asks before decisions are given up', async () => {
    const { onClose } = open(FILE, openFile('a\nm\nc\n', 'a\nt\nc\n'));
    fireEvent.click(within(await conflict(1)).getByRole('button', { name: 'Mine' }));
    fireEvent.click(screen.getByRole('button', { name: 'Decide later' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Leave' }));
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
  });
});

describe('what is typed into the result', () => {
  it('is not lost unasked, even where nothing is in conflict', () => {
    const begun = new MergeResult(mergeTexts('a\nb\n', 'A\nb\n', 'a\nb\n')!);
    expect(begun.begun).toBe(false);
    begun.changed([{ start: 0, end: 0, text: 'typed\n' }]);
    expect(begun.begun).toBe(true);
  });

  it('holds the page when a conflict is decided', async () => {
    open(FILE, openFile('a\nm\nc\n', 'a\nt\nc\n'));
    const leave = (): boolean => window.dispatchEvent(new Event('beforeunload', { cancelable: true }));
    const choices = await conflict(1);
    expect(leave()).toBe(true);
    fireEvent.click(within(choices).getByRole('button', { name: 'Mine' }));
    expect(leave()).toBe(false);
  });
});

describe('merging a copy', () => {
  /** Two files, of which the first changes to `later` (gone: `null`) before the merge is saved. */
  function overtaken(later: string | null) {
    let text: string | null = 'one\nx\n';
    const put = vi.fn<Route>((request) => {
      const expect = request.headers.get('if-match');
      if (expect === '"one\\nx\\n"') {
        text = later;
        return problem(412, 'precondition_failed', 'It has changed.');
      }
      return json({ path: 'a.py', etag: 'n' });
    });
    const served = open(COPY, undefined, {
      'GET /sessions/s/files/a.py': () =>
        text === null
          ? problem(404, 'not_found', 'Gone.')
          : new Response(text, { headers: { etag: JSON.stringify(text) } }),
      'GET /sessions/s/files/b.py': () => new Response('two\nx\n', { headers: { etag: '"copy"' } }),
      'PUT /sessions/s/files/a.py': put,
      'DELETE /sessions/s/files/b.py': () => new Response(null, { status: 204 }),
    });
    return { ...served, put };
  }

  async function mergeBoth(): Promise<void> {
    fireEvent.click(within(await conflict(1)).getByRole('button', { name: 'Both' }));
    fireEvent.click(screen.getByRole('button', { name: 'Save the result' }));
  }

  it('goes on from what was merged when the file has changed meanwhile', async () => {
    const { onClose, put } = overtaken('one\nx\nnew\n');
    await mergeBoth();
    expect(await screen.findByText(/has changed again meanwhile/)).toBeInTheDocument();
    expect(await screen.findByText('Mine: what you have merged')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Save the result' }));
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
    const second = put.mock.calls[1]?.[0];
    expect(second?.headers.get('if-match')).toBe('"one\\nx\\nnew\\n"');
    expect(await second?.text()).toBe('one\ntwo\nx\nnew\n');
  });

  it('makes a file again that was deleted meanwhile', async () => {
    const { onClose, put } = overtaken(null);
    await mergeBoth();
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(put.mock.calls[1]?.[0].headers.get('if-none-match')).toBe('*');
    expect(await put.mock.calls[1]?.[0].text()).toBe('one\ntwo\nx\n');
    expect(screen.getByText(/was deleted meanwhile/)).toBeInTheDocument();
  });

  it('tells of what the server kept beside the result', async () => {
    open(COPY, undefined, {
      'GET /sessions/s/files/a.py': () => new Response('one\n', { headers: { etag: '"1"' } }),
      'GET /sessions/s/files/b.py': () => new Response('two\n', { headers: { etag: '"2"' } }),
      'PUT /sessions/s/files/a.py': () => json({ path: 'a.py', etag: 'n', conflict_copy: 'a (conflict).py' }),
      'DELETE /sessions/s/files/b.py': () => new Response(null, { status: 204 }),
    });
    await mergeBoth();
    expect(await screen.findByText(/the other is “a \(conflict\).py”/)).toBeInTheDocument();
  });

  it('writes over the file as it was read, and removes the copy unless told otherwise', async () => {
    const put = vi.fn<Route>(() => json({ path: 'a.py', etag: 'n' }));
    const remove = vi.fn<Route>(() => new Response(null, { status: 204 }));
    const file = (text: string) => () => new Response(text, { headers: { etag: `"${text.trim()}"` } });
    const { onClose, workspace } = open(COPY, undefined, {
      'GET /sessions/s/files/a.py': file('one\n'),
      'GET /sessions/s/files/b.py': file('two\n'),
      'PUT /sessions/s/files/a.py': put,
      'DELETE /sessions/s/files/b.py': remove,
    });
    fireEvent.click(within(await conflict(1)).getByRole('button', { name: 'Theirs' }));
    fireEvent.click(screen.getByRole('button', { name: 'Save the result' }));
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(put.mock.calls[0]?.[0].headers.get('if-match')).toBe('"one"');
    expect(remove).toHaveBeenCalledTimes(1);
    expect(workspace.files.close).toHaveBeenCalledWith('b.py');
  });
});
