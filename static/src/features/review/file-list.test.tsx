import { fireEvent, render, screen } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import type { ListedFile } from './changed-files';
import { FileList } from './file-list';

const file = (path: string, more: Partial<ListedFile> = {}): ListedFile => ({
  path,
  status: 'modified',
  viewed: false,
  threads: 0,
  open: 0,
  ...more,
});

function show(files: readonly ListedFile[], current: string | null = null) {
  const onOpen = vi.fn<(path: string) => void>();
  const onViewed = vi.fn<(file: ListedFile) => void>();
  render(<FileList files={files} current={current} onOpen={onOpen} onViewed={onViewed} />);
  return { onOpen, onViewed };
}

describe('the list of files', () => {
  it('says what became of each, what was said of it, and how far one is', () => {
    show([file('a.py', { status: 'added', viewed: true }), file('b.py', { threads: 2, open: 1 })]);
    expect(screen.getByRole('option', { name: 'a.py, Added, viewed' })).toBeVisible();
    expect(screen.getByRole('option', { name: 'b.py, Changed, 2 threads, 1 open' })).toBeVisible();
    expect(screen.getByRole('status')).toHaveTextContent('1 of 2 viewed');
  });

  it('draws no name that deceives', () => {
    show([file('dir/\u202eexe.png'), file('<img src=x onerror=alert(1)>.py'), file('a\nb.py')]);
    expect(document.body.textContent).not.toMatch(/[\u202e\n]/);
    expect(document.querySelector('img')).toBeNull();
    expect(screen.getByRole('option', { name: 'dir/\ufffdexe.png, Changed' })).toBeVisible();
  });

  it('draws a few of thousands, and says where they are among all', () => {
    show(Array.from({ length: 20_000 }, (_, at) => file(`f${at}.py`)));
    const rows = screen.getAllByRole('option');
    expect(rows.length).toBeLessThan(100);
    expect(rows[0]).toHaveAttribute('aria-setsize', '20000');
    expect(rows[0]).toHaveAttribute('aria-posinset', '1');
  });

  it('filters, and is gone through by keys', () => {
    const { onOpen, onViewed } = show([file('a.py'), file('lib/b.py'), file('lib/c.py')], 'lib/b.py');
    fireEvent.keyDown(screen.getByRole('listbox'), { key: 'ArrowDown' });
    expect(onOpen).toHaveBeenLastCalledWith('lib/c.py');
    fireEvent.keyDown(screen.getByRole('listbox'), { key: 'Home' });
    expect(onOpen).toHaveBeenLastCalledWith('a.py');
    fireEvent.keyDown(screen.getByRole('listbox'), { key: ' ' });
    expect(onViewed).toHaveBeenCalledWith(expect.objectContaining({ path: 'lib/b.py' }));
    fireEvent.change(screen.getByRole('searchbox', { name: 'Filter files' }), { target: { value: 'lib' } });
    expect(screen.getAllByRole('option')).toHaveLength(2);
    fireEvent.change(screen.getByRole('searchbox'), { target: { value: 'nothing' } });
    expect(screen.getByText('No file is called so.')).toBeVisible();
  });
});
