import { fireEvent, render, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { ConflictQuestion } from './conflict-question';

it('forgets “the same for all” with the files it was about, and where it is not asked', () => {
  const onAnswer = vi.fn();
  const ask = (question: { path: string; others: number } | null) => (
    <ConflictQuestion question={question} onAnswer={onAnswer} onCancelAll={vi.fn()} />
  );
  const { rerender } = render(ask({ path: 'a', others: 1 }));
  fireEvent.click(screen.getByRole('checkbox'));
  rerender(ask({ path: 'b', others: 0 }));
  fireEvent.click(screen.getByRole('button', { name: 'Replace' }));
  expect(onAnswer).toHaveBeenLastCalledWith('replace', false);
  rerender(ask(null));
  rerender(ask({ path: 'c', others: 1 }));
  expect(screen.getByRole('checkbox')).not.toBeChecked();
});
