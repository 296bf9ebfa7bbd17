import { fireEvent, render, screen } from '@testing-library/react';
import { beforeEach, expect, it, vi } from 'vitest';
import { ConfirmProvider } from '@/components/confirm';
import { Store } from '@/lib/store';
import { useLeave } from './use-leave';
import type { Workspace } from './workspace';
import { WorkspaceContext } from './workspace-context';

const push = vi.hoisted(() => vi.fn());
vi.mock('next/navigation', () => ({ useRouter: () => ({ push }) }));

function Out() {
  const leave = useLeave();
  return (
    <a href="/" onClick={leave}>
      Out
    </a>
  );
}

/** Clicks the way out of a workspace in which `before` is unsaved, and `after` cannot be saved. */
function click(before: string[], after: string[]) {
  const saveDecided = vi.fn(() => Promise.resolve(after));
  const files = { unsaved: new Store(new Set(before)), saveDecided };
  render(
    <ConfirmProvider>
      <WorkspaceContext value={{ files } as unknown as Workspace}>
        <Out />
      </WorkspaceContext>
    </ConfirmProvider>,
  );
  return { saveDecided, followed: fireEvent.click(screen.getByRole('link')) };
}

beforeEach(() => push.mockClear());

it('leaves at once when all is saved', () => {
  expect(click([], []).followed).toBe(true);
});

it('saves first', async () => {
  const { saveDecided, followed } = click(['a.py'], []);
  expect(followed).toBe(false);
  expect(saveDecided).toHaveBeenCalledTimes(1);
  await vi.waitFor(() => expect(push).toHaveBeenCalledWith('/'));
});

it.each([
  ['Cancel', 0],
  ['Leave', 1],
])('asks when something could not be saved: %s', async (answer, times) => {
  click(['a.py'], ['a.py']);
  expect(await screen.findByText(/^Not saved: “a.py”/)).toBeInTheDocument();
  expect(push).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole('button', { name: answer }));
  await Promise.resolve();
  expect(push).toHaveBeenCalledTimes(times);
});
