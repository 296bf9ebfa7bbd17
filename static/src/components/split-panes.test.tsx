import { fireEvent, render, screen } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { LEAST_SHARE, Splitters, moveLine, paneStyle } from './split-panes';

describe('a split', () => {
  it('moves a line between its two neighbours only, and leaves each a little', () => {
    expect(moveLine([0.25, 0.25, 0.5], 1, 0.125)).toEqual([0.375, 0.125, 0.5]);
    expect(moveLine([0.5, 0.5], 1, -9)).toEqual([LEAST_SHARE, 1 - LEAST_SHARE]);
    expect(moveLine([0.5, 0.5], 1, 9)).toEqual([1 - LEAST_SHARE, LEAST_SHARE]);
  });

  it('places panes one behind the other', () => {
    expect(paneStyle('row', [0.25, 0.75], 1)).toMatchObject({ left: '25.0000%', width: '75.0000%' });
    expect(paneStyle('column', [0.25, 0.75], 1)).toMatchObject({ top: '25.0000%', height: '75.0000%' });
  });

  it('is moved by keys along its direction', () => {
    const onResize = vi.fn();
    render(<Splitters direction="column" shares={[0.5, 0.5]} label="Line" onResize={onResize} />);
    const line = screen.getByRole('separator', { name: 'Line' });
    expect(line).toHaveAttribute('aria-orientation', 'horizontal');
    expect(line).toHaveAttribute('aria-valuenow', '50');
    fireEvent.keyDown(line, { key: 'ArrowDown' });
    expect(onResize).toHaveBeenLastCalledWith([0.52, 0.48]);
    fireEvent.keyDown(line, { key: 'ArrowRight' });
    expect(onResize).toHaveBeenCalledTimes(1);
    fireEvent.keyDown(line, { key: 'Enter' });
    expect(onResize).toHaveBeenLastCalledWith([0.5, 0.5]);
  });
});
