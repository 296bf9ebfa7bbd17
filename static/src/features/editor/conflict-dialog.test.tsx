import { fireEvent, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { Store } from '@/lib/store';
import { renderPage } from '@/test/render-page';
import { ConflictDialog } from './conflict-dialog';
import { opening, type FileState } from './file-state';
import type { OpenFile } from './open-file';

function conflicted(): OpenFile & { state: Store<FileState> } {
  const state = new Store<FileState>({ ...opening('a.py'), save: { kind: 'conflict' } });
  return { state } as unknown as OpenFile & { state: Store<FileState> };
}

function show(file: OpenFile) {
  return renderPage(
    <WorkspaceContext value={{} as Workspace}>
      <ConflictDialog file={file} open onClose={() => undefined} />
    </WorkspaceContext>,
  );
}

it('is put off for its file alone, and until the next conflict', () => {
  const file = conflicted();
  const first = show(file);
  fireEvent.click(screen.getByRole('button', { name: 'Decide later' }));
  expect(screen.queryByRole('alertdialog')).not.toBeInTheDocument();
  first.unmount();
  // Another file was in front meanwhile.
  show(conflicted()).unmount();
  const again = show(file);
  expect(screen.getByText('Not saved.')).toBeInTheDocument();
  again.unmount();
  file.state.update((old) => ({ ...old, save: { kind: 'conflict' } }));
  show(file);
  expect(screen.getByRole('alertdialog')).toBeInTheDocument();
});
