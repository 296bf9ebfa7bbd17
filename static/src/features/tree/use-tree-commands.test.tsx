import { renderHook, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { ToastProvider } from '@/components/toasts';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { Store } from '@/lib/store';
import { json, serve } from '@/test/render-page';
import { treeOf } from './tree-model';
import { useTreeCommands, type TreeCommands } from './use-tree-commands';

/** A workspace in which `unsaved` is open and cannot be saved. */
function setUp(unsaved: string): { commands: TreeCommands; asked: () => number } {
  const answer = vi.fn(() => json({}));
  serve({ 'POST /sessions/s/move': answer, 'POST /sessions/s/copy': answer });
  const item = { path: 'a.py', kind: 'file', size: 0, executable: false, modified_at: '' } as const;
  const workspace = {
    id: 's',
    tree: { tree: treeOf([item]) },
    files: {
      unsaved: new Store(new Set([unsaved])),
      saveWithin: (path: string) => Promise.resolve(path === unsaved ? [unsaved] : []),
    },
  };
  const { result } = renderHook(() => useTreeCommands(), {
    wrapper: ({ children }) => (
      <ToastProvider>
        <WorkspaceContext value={workspace as unknown as Workspace}>{children}</WorkspaceContext>
      </ToastProvider>
    ),
  });
  return { commands: result.current, asked: () => answer.mock.calls.length };
}

it.each([
  ['itself', 'a.py'],
  ['of a deleted file whose name it would take', 'b.py'],
])('does not rename a file while text is only here: %s', async (_what, unsaved) => {
  const { commands, asked } = setUp(unsaved);
  expect(await commands.rename('a.py', 'b.py')).toBe(
    `“${unsaved}” is not saved. Save it, or close it, first.`,
  );
  expect(asked()).toBe(0);
});

it('does not copy a file without the text that is only here', async () => {
  const { commands, asked } = setUp('a.py');
  expect(await commands.duplicate(['a.py'])).toEqual([]);
  expect(await screen.findByText('“a.py” is not saved. Save it, or close it, first.')).toBeInTheDocument();
  expect(asked()).toBe(0);
});
