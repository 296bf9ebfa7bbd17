import { renderHook } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { opening } from './file-state';
import { useCloseFile } from './use-close-file';

it.each([
  ['restored from a draft', { restoredAt: 1 }],
  ['of a deleted file', { outside: 'deleted' as const }],
])('asks before it closes text %s, and does not save it unasked', async (_what, change) => {
  const file = {
    path: 'a.py',
    unsaved: true,
    save: vi.fn(() => Promise.resolve(true)),
    state: { get: () => ({ ...opening('a.py'), ...change }) },
  };
  const files = { find: () => file, close: vi.fn() };
  const confirm = vi.fn(() => Promise.resolve(false));
  const { result } = renderHook(() => useCloseFile(confirm), {
    wrapper: ({ children }) => (
      <WorkspaceContext value={{ files } as unknown as Workspace}>{children}</WorkspaceContext>
    ),
  });
  await result.current('a.py');
  expect(confirm).toHaveBeenCalledTimes(1);
  expect(file.save).not.toHaveBeenCalled();
  expect(files.close).not.toHaveBeenCalled();
});
