import { fireEvent, screen, waitFor } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { json, problem, serve } from '@/test/render-page';
import { REVIEW, comment, pageValue, renderIn, thread } from './review-fixture';
import { VerdictDialog } from './verdict-dialog';

const EVENTS = `POST /reviews/${REVIEW.id}/events`;
const noop = (): void => undefined;

describe('the verdict dialog', () => {
  it('decides on the round that was looked at, with what was written', async () => {
    const sent: unknown[] = [];
    serve({
      [EVENTS]: async (request) => {
        sent.push(await request.json());
        return json({ ...REVIEW, state: 'approved' });
      },
    });
    const value = pageValue({
      threads: [
        thread({ kind: 'praise', blocking: false, draft: true, comments: [comment({ draft: true })] }),
      ],
    });
    const onClose = vi.fn();
    renderIn(value, <VerdictDialog onClose={onClose} />);
    expect(screen.getByText('1 draft is published with it.')).toBeVisible();
    expect(screen.getByRole('button', { name: 'Decide' })).toBeDisabled();
    fireEvent.click(screen.getByRole('radio', { name: /^Approve/ }));
    fireEvent.change(screen.getByLabelText('Why (optional)'), { target: { value: 'Well done' } });
    fireEvent.click(screen.getByRole('button', { name: 'Approve' }));
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(sent).toEqual([{ action: 'approve', round: 2, why: 'Well done' }]);
    expect(value.told).toHaveBeenCalledWith(expect.objectContaining({ state: 'approved' }));
  });

  it('says which issues are in the way, drafts among them, and approves nothing', () => {
    const value = pageValue({
      threads: [
        thread({ state: 'resolved' }),
        thread({ id: 't2', draft: true, comments: [comment({ id: 'c2', draft: true, text: 'Also this' })] }),
      ],
    });
    const onClose = vi.fn();
    renderIn(value, <VerdictDialog onClose={onClose} />);
    fireEvent.click(screen.getByRole('radio', { name: /^Approve/ }));
    expect(screen.getByRole('radio', { name: /^Approve/ })).not.toBeChecked();
    expect(screen.getByRole('radio', { name: /^Request changes/ })).toBeChecked();
    expect(screen.getByText('2 issues in the way of approval')).toBeVisible();
    fireEvent.click(screen.getByRole('button', { name: /Also this/ }));
    expect(onClose).toHaveBeenCalled();
    expect(value.showThread).toHaveBeenCalledWith('t2');
  });

  it('decides nothing about an older round', () => {
    renderIn(pageValue({ shown: { round: 1, base: { kind: 'empty' } } }), <VerdictDialog onClose={noop} />);
    expect(screen.getByRole('alert')).toHaveTextContent('You are looking at round 1');
    for (const radio of screen.getAllByRole('radio')) {
      fireEvent.click(radio);
      expect(radio).not.toBeChecked();
    }
    expect(screen.getByRole('button', { name: 'Decide' })).toBeDisabled();
  });

  it('only publishes where there is nothing to decide', async () => {
    const publish = vi.fn(() => json({ published: 1 }));
    serve({ [`POST /reviews/${REVIEW.id}/publish`]: publish });
    const value = pageValue({
      review: { ...REVIEW, possible: ['submit'] },
      threads: [thread({ draft: true, comments: [comment({ draft: true })] })],
    });
    const onClose = vi.fn();
    renderIn(value, <VerdictDialog onClose={onClose} />);
    fireEvent.click(screen.getByRole('button', { name: 'Publish' }));
    await waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(publish).toHaveBeenCalledTimes(1);
  });

  it('says how the review stands now when it has moved on', async () => {
    serve({ [EVENTS]: () => problem(409, 'stale_round', 'A newer round has been submitted.') });
    const value = pageValue({
      refresh: vi.fn(() => Promise.resolve({ ...REVIEW, state: 'pending' as const, round: 3 })),
    });
    const onClose = vi.fn();
    renderIn(value, <VerdictDialog onClose={onClose} />);
    fireEvent.click(screen.getByRole('radio', { name: /^Approve/ }));
    fireEvent.click(screen.getByRole('button', { name: 'Approve' }));
    expect(
      await screen.findByText(
        'A newer round has been submitted. It stands so now: waiting for a reviewer, round 3.',
      ),
    ).toBeInTheDocument();
    expect(onClose).not.toHaveBeenCalled();
  });
});
