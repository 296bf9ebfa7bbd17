import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FocusRequest } from './focus-request';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const press = (): boolean => window.dispatchEvent(new Event('keydown'));
const click = (): boolean => window.dispatchEvent(new Event('pointerdown'));

it('is withdrawn by the next thing the user does, and by no leftover of an earlier one', () => {
  const request = new FocusRequest();
  request.ask('a.py');
  // The key that asked.
  press();
  expect(request.get()).toBe('a.py');
  vi.advanceTimersByTime(1);
  press();
  expect(request.get()).toBeNull();
  request.ask('b.py');
  // The click that asked.
  click();
  expect(request.get()).toBe('b.py');
  vi.advanceTimersByTime(1);
  click();
  expect(request.get()).toBeNull();
});

it('leaves nothing behind once the keyboard was taken', () => {
  const remove = vi.fn();
  const add = vi.spyOn(window, 'addEventListener');
  const request = new FocusRequest();
  request.ask('a.py');
  vi.advanceTimersByTime(1);
  for (const [, , options] of add.mock.calls)
    if (typeof options === 'object') options.signal?.addEventListener('abort', () => void remove());
  request.set(null);
  expect(remove).toHaveBeenCalledTimes(2);
});
