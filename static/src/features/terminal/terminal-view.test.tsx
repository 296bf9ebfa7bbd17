import { fireEvent, render, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { ThemeProvider } from '@/components/theme';
import type { Workspace } from '@/features/workspace/workspace';
import { WorkspaceContext } from '@/features/workspace/workspace-context';
import { TerminalSet } from './terminal-set';
import { TerminalView } from './terminal-view';

const made = vi.hoisted(() => ({ screens: 0 }));
vi.mock('@/lib/code-font', () => ({ loadedCodeFont: () => Promise.resolve('monospace') }));
vi.mock('./terminal-screen', () => ({
  TerminalScreen: class {
    constructor() {
      made.screens += 1;
      if (made.screens === 1) throw new Error('Loading chunk 7 failed.');
    }
    setTheme(): void {}
    dispose(): void {}
  },
}));

it('says that a screen could not be made, and makes it when asked again', async () => {
  const terminals = new TerminalSet('s');
  render(
    <ThemeProvider>
      <WorkspaceContext value={{ id: 's', terminals } as unknown as Workspace}>
        <TerminalView
          terminal={{ id: 'a', name: 'A', cols: 80, rows: 24, pid: 1, created_at: '', exit: null }}
        />
      </WorkspaceContext>
    </ThemeProvider>,
  );
  expect(await screen.findByText(/Loading chunk 7 failed/)).toBeInTheDocument();
  expect(screen.queryByText('Connecting…')).not.toBeInTheDocument();
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByText('Connecting…')).toBeInTheDocument();
  await vi.waitFor(() => expect(made.screens).toBe(2));
  expect(screen.queryByText(/Loading chunk 7 failed/)).not.toBeInTheDocument();
});
