import { fireEvent, screen, waitFor } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { json, problem, serve } from '@/test/render-page';
import { AUTHOR, HOLDER, REVIEW, comment, pageValue, renderIn, thread } from './review-fixture';
import { ThreadView } from './thread-view';

const ROUTE = `/reviews/${REVIEW.id}`;
const FILE = 'def sort(a):\n    return bubble(a)\n';
const file = (): Response => new Response(FILE, { headers: { etag: '"x"' } });

describe('a thread', () => {
  it('shows what was said and what may be done to it', async () => {
    const settled: unknown[] = [];
    serve({
      [`POST ${ROUTE}/threads/t1`]: async (request) => {
        settled.push(await request.json());
        return json(thread({ state: 'verified', blocking: false }));
      },
    });
    const value = pageValue();
    renderIn(value, <ThreadView thread={thread({ state: 'resolved' })} />);
    expect(screen.getByText('slow').tagName).toBe('STRONG');
    expect(screen.queryByRole('button', { name: 'Resolve' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Verify' }));
    await waitFor(() => expect(value.refresh).toHaveBeenCalled());
    expect(settled).toEqual([{ action: 'verify' }]);
  });

  it('keeps an answer that was begun, and sends it as its button says', async () => {
    const sent: unknown[] = [];
    serve({
      [`POST ${ROUTE}/comments`]: async (request) => {
        sent.push(await request.json());
        return json(thread(), 201);
      },
      [`GET ${ROUTE}/files/sort.py`]: file,
    });
    const value = pageValue();
    const first = renderIn(value, <ThreadView thread={thread()} />);
    fireEvent.click(screen.getByRole('button', { name: 'Answer' }));
    fireEvent.change(screen.getByRole('textbox', { name: 'Answer, in Markdown' }), {
      target: { value: 'Like this' },
    });
    first.unmount();
    // Another visit of the page.
    const again = pageValue();
    renderIn(again, <ThreadView thread={thread()} />);
    const box = screen.getByRole('textbox', { name: 'Answer, in Markdown' });
    expect(box).toHaveValue('Like this');
    fireEvent.click(await screen.findByRole('button', { name: 'Suggest an edit' }));
    const lines = screen.getByLabelText('The lines should be');
    expect(lines).toHaveValue('    return bubble(a)');
    fireEvent.change(lines, { target: { value: '    a.sort()\n    return a' } });
    fireEvent.keyDown(box, { key: 'Enter', ctrlKey: true });
    await waitFor(() => expect(again.refresh).toHaveBeenCalled());
    expect(sent).toEqual([
      {
        thread: 't1',
        text: 'Like this',
        draft: true,
        suggestion: { replacement: '    a.sort()\n    return a\n' },
      },
    ]);
    expect(again.composed.entries.get().size).toBe(0);
  });

  it('keeps what was typed when it is refused', async () => {
    serve({
      [`POST ${ROUTE}/comments`]: () => problem(429, 'comment_limit', 'There are as many as there may be.'),
    });
    const value = pageValue();
    renderIn(value, <ThreadView thread={thread()} />);
    fireEvent.click(screen.getByRole('button', { name: 'Answer' }));
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'Much work' } });
    fireEvent.click(screen.getByRole('button', { name: 'Comment now' }));
    expect(await screen.findByText('There are as many as there may be.')).toBeInTheDocument();
    expect(screen.getByRole('textbox')).toHaveValue('Much work');
  });

  it('lets its author take a suggested edit over, and says when its lines have changed', async () => {
    const applied: unknown[] = [];
    serve({
      [`POST ${ROUTE}/apply`]: async (request) => {
        applied.push(await request.json());
        return applied.length === 1
          ? problem(409, 'suggestion_outdated', 'The lines this would replace have changed.')
          : json({ paths: ['sort.py'] });
      },
      [`GET ${ROUTE}/files/sort.py`]: file,
    });
    const value = pageValue({ user: AUTHOR.id });
    const suggested = thread({ comments: [comment({ suggestion: { replacement: '    a.sort()\n' } })] });
    renderIn(value, <ThreadView thread={suggested} />);
    expect(await screen.findByText('Removed:')).toBeInTheDocument();
    expect(screen.getByText('a.sort()', { exact: false })).toBeVisible();
    fireEvent.click(screen.getByRole('button', { name: 'Apply to my workspace' }));
    expect(await screen.findByText(/The lines this would replace have changed/)).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Apply to my workspace' }));
    expect(await screen.findByText(/Applied to “sort.py”/)).toBeInTheDocument();
    expect(applied).toEqual([{ comments: ['c1'] }, { comments: ['c1'] }]);
    fireEvent.click(screen.getByRole('checkbox', { name: 'Apply with others' }));
    expect(value.choose).toHaveBeenLastCalledWith('c1', true);
  });

  it('marks drafts, which can be edited and discarded', async () => {
    const discarded = vi.fn(() => new Response(null, { status: 204 }));
    const edited: unknown[] = [];
    serve({
      [`DELETE ${ROUTE}/comments/c1`]: discarded,
      [`PATCH ${ROUTE}/comments/c1`]: async (request) => {
        edited.push(await request.json());
        return new Response(null, { status: 204 });
      },
    });
    const draft = thread({
      draft: true,
      comments: [comment({ author: HOLDER, draft: true, published_at: null })],
    });
    const value = pageValue();
    renderIn(value, <ThreadView thread={draft} />);
    expect(screen.getByText('Draft: only you see it')).toBeVisible();
    fireEvent.click(screen.getByRole('button', { name: 'Edit' }));
    fireEvent.change(screen.getByRole('textbox'), { target: { value: 'Better' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save draft' }));
    await waitFor(() => expect(edited).toEqual([{ text: 'Better' }]));
    fireEvent.click(await screen.findByRole('button', { name: 'Discard' }));
    fireEvent.click(await screen.findByRole('button', { name: 'Discard', hidden: false }));
    await waitFor(() => expect(discarded).toHaveBeenCalledTimes(1));
  });

  it('shows what stood there when its lines have changed', async () => {
    serve({ [`GET ${ROUTE}/files/sort.py`]: file });
    const outdated = thread({ at: { round: 2, path: 'sort.py', outdated: true } });
    renderIn(pageValue(), <ThreadView thread={outdated} apart />);
    expect(screen.getByText('Outdated: written on round 1, changed since')).toBeVisible();
    expect(await screen.findByText('return bubble(a)', { exact: false })).toBeVisible();
    expect(screen.getByText('line 2 of round 1')).toBeVisible();
  });

  it('folds what is settled', () => {
    renderIn(pageValue(), <ThreadView thread={thread({ state: 'verified', blocking: false })} />);
    expect(screen.queryByText('slow')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Issue', expanded: false }));
    expect(screen.getByText('slow')).toBeVisible();
  });
});
