import { render, screen } from '@testing-library/react';
import { beforeEach, expect, it, vi } from 'vitest';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { Store } from '@/lib/store';
import { CodeView } from './code-view';
import { opening } from './file-state';
import { MonacoBuffer } from './monaco-buffer';
import type { MonacoApi, TextModel } from './monaco-loader';
import type { OpenFile } from './open-file';

const monaco = vi.hoisted((): { api: unknown } => ({ api: null }));
vi.mock('./monaco-loader', () => ({ loadMonaco: () => Promise.resolve(monaco.api) }));

/** As Monaco: an editor that was taken down has no state and no model. */
function fakeEditor(restored: unknown[]) {
  let model: unknown = null;
  return {
    setModel: (next: unknown) => (model = next),
    getModel: () => model,
    saveViewState: () => model && { scrolled: 7 },
    restoreViewState: (state: unknown) => restored.push(state),
    getPosition: () => ({ lineNumber: 1, column: 1 }),
    onDidChangeCursorPosition: () => ({ dispose: () => undefined }),
    dispose: () => (model = null),
  };
}

const restored: unknown[] = [];
const created = vi.fn(() => fakeEditor(restored));

beforeEach(() => {
  restored.length = 0;
  monaco.api = {
    editor: {
      create: created,
      setTheme: () => undefined,
      setModelLanguage: () => undefined,
      remeasureFonts: () => undefined,
    },
  };
  Object.defineProperty(document, 'fonts', { value: { ready: Promise.resolve() }, configurable: true });
});

it('shows a file as it was left', async () => {
  const buffer = new MonacoBuffer(monaco.api as MonacoApi, {} as TextModel);
  const file = { buffer, state: new Store(opening('a.py')) } as unknown as OpenFile;
  const workspace = { focusRequest: new Store(null), services: { reveal: new Store(null) } };
  const view = () =>
    render(
      <WorkspaceContext value={workspace as unknown as Workspace}>
        <CodeView file={file} />
      </WorkspaceContext>,
    );
  const first = view();
  await vi.waitFor(() => expect(screen.queryByText('Loading the editor…')).not.toBeInTheDocument());
  first.unmount();
  expect(restored).toEqual([]);
  view();
  await vi.waitFor(() => expect(restored).toEqual([{ scrolled: 7 }]));
  expect(created).toHaveBeenCalledTimes(2);
});
