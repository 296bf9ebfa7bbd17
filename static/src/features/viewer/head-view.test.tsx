import { fireEvent, render, screen } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Phase } from '@/features/editor/file-state';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { never, problem, serve, type Route } from '@/test/render-page';
import { HeadView } from './head-view';

type Unsupported = Extract<Phase, { kind: 'unsupported' }>;

const BINARY: Unsupported = { kind: 'unsupported', why: 'binary', size: 40 };
const LARGE: Unsupported = { kind: 'unsupported', why: 'large', size: 50 * 1024 * 1024 };

function show(path: string, phase: Unsupported, route: Route): void {
  serve({ [`GET /sessions/id/files/${path}`]: route });
  render(
    // All the viewer asks of the workspace.
    <WorkspaceContext value={{ id: 'id' } as Workspace}>
      <HeadView path={path} phase={phase} />
    </WorkspaceContext>,
  );
}

beforeEach(() => {
  URL.createObjectURL = vi.fn(() => 'blob:picture');
  URL.revokeObjectURL = vi.fn();
});

describe('a file the editor does not take', () => {
  it('is waited for', () => {
    show('a.bin', BINARY, never);
    expect(screen.getByRole('status')).toHaveTextContent('Reading a.bin…');
  });

  it('says why it could not be read, and is read again', async () => {
    let answers = 0;
    show('a.bin', BINARY, () => {
      answers += 1;
      return answers === 1 ? problem(503, 'busy', 'Too much to do.') : new Response(Uint8Array.of(0, 1));
    });
    expect(await screen.findByText('Too much to do.')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByText('00 01')).toBeInTheDocument();
  });

  it('is shown as bytes when it is no text, more of them on demand', async () => {
    show('a.bin', { ...BINARY, size: 20_000 }, () => new Response(new Uint8Array(20_000)));
    expect(await screen.findByText('Not text · 19.5 KB, the first 8.0 KB are shown')).toBeInTheDocument();
    expect(screen.getByRole('link', { name: 'Download' })).toHaveAttribute('download', 'a.bin');
    fireEvent.click(screen.getByRole('button', { name: 'Show more' }));
    expect(screen.getByText('Not text · 19.5 KB, the first 19.5 KB are shown')).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Show more' })).not.toBeInTheDocument();
  });

  it('is drawn when it is a picture, from a blob of its own type', async () => {
    show('a.png', BINARY, () => new Response(Uint8Array.of(1, 0, 2)));
    const picture = await screen.findByRole('img', { name: 'a.png' });
    expect(picture).toHaveAttribute('src', 'blob:picture');
    expect(vi.mocked(URL.createObjectURL).mock.calls[0]?.[0]).toMatchObject({ type: 'image/png', size: 3 });
    fireEvent.error(picture);
    expect(screen.getByText('This picture cannot be shown')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Bytes' }));
    expect(screen.getByText('01 00 02')).toBeInTheDocument();
  });

  it('is a table of its first rows when it is a large CSV', async () => {
    show('a.csv', LARGE, () => new Response('city,people\nOslo,700000\nRome,2800000\n'));
    expect(await screen.findByRole('columnheader', { name: 'city' })).toBeInTheDocument();
    expect(screen.getByRole('cell', { name: 'Oslo' })).toBeInTheDocument();
    expect(screen.getByText(/Too large to edit here · 50\.0 MB/)).toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Table' })).toHaveAttribute('aria-pressed', 'true');
  });
});
