import { act, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Dialog } from './dialog';
import { TOAST_FAILURE_MS, ToastProvider, useToast } from './toasts';

function Deleted({ undo }: { undo: () => void }) {
  const toast = useToast();
  return <button onClick={() => toast('Deleted.', 'ok', { label: 'Undo', run: undo })}>Delete</button>;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('keeps what can be undone within reach while a dialog is open, and the dialog with it', () => {
  const undo = vi.fn();
  const onClose = vi.fn();
  const page = (open: boolean) => (
    <ToastProvider>
      <Deleted undo={undo} />
      <Dialog open={open} onClose={onClose} title="Something else" />
    </ToastProvider>
  );
  const { rerender } = render(page(false));
  fireEvent.click(screen.getByRole('button', { name: 'Delete' }));
  rerender(page(true));
  act(() => void vi.advanceTimersByTime(TOAST_FAILURE_MS + 1));
  const button = screen.getByRole('button', { name: 'Undo' });
  expect(button.closest('[role="log"]')).toHaveClass('pointer-events-auto');
  fireEvent.pointerDown(button);
  fireEvent.click(button);
  expect(undo).toHaveBeenCalledTimes(1);
  expect(onClose).not.toHaveBeenCalled();
});
