import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChangedItem, Review, Thread } from '@/api/types';
import { AuthGate } from '@/features/auth/auth-gate';
import { USER, json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { AUTHOR, REVIEW, comment, thread } from './review-fixture';
import { ReviewPage } from './review-page';

const address = vi.hoisted(() => ({ now: '' }));
vi.mock('next/navigation', () => ({ useRouter: () => ({ push: vi.fn() }), usePathname: () => address.now }));

const AT = `/reviews/${REVIEW.id}`;
const HOLDER = { id: USER.id, username: 'ada', display_name: 'Ada' };
const NOW: Review = { ...REVIEW, author: { ...AUTHOR, display_name: 'Grace' }, reviewer: HOLDER };
const entry = { kind: 'file', size: 9, etag: '"x"', executable: false } as const;
const item = (path: string, more: Partial<ChangedItem> = {}): ChangedItem => ({
  path,
  status: 'modified',
  old: entry,
  new: entry,
  viewed: false,
  ...more,
});
const ITEMS = [item('a.py'), item('sort.py'), item('pic.bin', { status: 'added', old: null })];

function routes(review: () => Review, threads: readonly Thread[] = [thread()]): Record<string, Route> {
  const text = (): Response => new Response('one\ntwo\n', { headers: { etag: '"x"' } });
  return {
    'GET /me': () => json(USER),
    [`GET ${AT}`]: () => json(review()),
    [`GET ${AT}/rounds`]: () =>
      json({
        items: [1, 2].map((number) => ({
          number,
          hash: `${number}`,
          items: 3,
          bytes: 27,
          note: `note ${number}`,
          submitted_at: '2026-01-01T00:00:00Z',
        })),
      }),
    [`GET ${AT}/events`]: () =>
      json({
        items: [
          {
            number: 1,
            action: 'request_changes',
            by: HOLDER,
            from: 'in_review',
            to: 'changes_requested',
            round: 1,
            why: '',
            at: '2026-01-01T00:00:00Z',
          },
        ],
      }),
    [`GET ${AT}/diff`]: () =>
      json({
        round: 2,
        from: { kind: 'round', round: 1 },
        totals: { added: 1, modified: 2, deleted: 0, renamed: 0 },
        items: ITEMS,
      }),
    [`GET ${AT}/comments`]: () => json({ items: threads }),
    [`GET ${AT}/files/a.py`]: text,
    [`GET ${AT}/files/sort.py`]: text,
    [`GET ${AT}/files/pic.bin`]: () => new Response(new Uint8Array([0, 1, 2]), { headers: { etag: '"y"' } }),
    [`POST ${AT}/seen`]: () => new Response(null, { status: 204 }),
  };
}

function open(): void {
  renderPage(
    <AuthGate>
      <ReviewPage />
    </AuthGate>,
  );
}

const press = (key: string): boolean => fireEvent.keyDown(document.body, { key });

beforeEach(() => {
  address.now = `${AT}/`;
});

describe('the page of a review', () => {
  it('says that it is opening', async () => {
    serve({ 'GET /me': () => json(USER), [`GET ${AT}`]: never });
    open();
    expect(await screen.findByText('Opening the review…')).toBeVisible();
  });

  it.each([`${AT}/`, '/reviews/not-an-id/'])(
    'tells nothing of what is not for its viewer: %s',
    async (path) => {
      address.now = path;
      serve({ 'GET /me': () => json(USER) });
      open();
      expect(await screen.findByText('There is no such review')).toBeVisible();
    },
  );

  it('says what went wrong, and tries again', async () => {
    const answer = vi.fn<Route>(() => problem(500, 'internal', 'It broke.'));
    serve({ ...routes(() => NOW), [`GET ${AT}`]: answer });
    open();
    expect(await screen.findByText('It broke.')).toBeVisible();
    answer.mockImplementation(() => json(NOW));
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('heading', { name: 'Sort in place' })).toBeVisible();
  });

  it('shows what it is about, where it stands, and that a verdict is stale', async () => {
    serve(routes(() => ({ ...NOW, priority: 'urgent' })));
    open();
    expect(await screen.findByText('this', { selector: 'strong' })).toBeVisible();
    expect(screen.getByText('Your turn')).toBeVisible();
    expect(screen.getByText('Urgent')).toBeVisible();
    expect(
      await screen.findByText(
        'The last verdict is about an older round: Ada requested changes of round 1. Round 2 has not been decided.',
      ),
    ).toBeVisible();
    expect(await screen.findByText('3 changes against round 1')).toBeVisible();
    expect(screen.getByText('note 2')).toBeVisible();
    expect(document.title).toBe('Sort in place · Carrel');
  });

  it('is read by keys: files, marks, comments, and what one writes', async () => {
    const marked: string[] = [];
    const seen: unknown[] = [];
    serve({
      ...routes(() => NOW),
      [`PUT ${AT}/viewed/a.py`]: (request) => {
        marked.push(new URL(request.url).search);
        return new Response(null, { status: 204 });
      },
      [`POST ${AT}/seen`]: async (request) => {
        seen.push(await request.json());
        return new Response(null, { status: 204 });
      },
    });
    open();
    await screen.findByText('3 changes against round 1');
    press(']');
    expect(await screen.findByRole('heading', { name: 'a.py' })).toBeVisible();
    expect(screen.getByText('0 of 3 viewed')).toBeVisible();
    await waitFor(() => expect(seen).toEqual([{ round: 2 }]));
    press('v');
    expect(await screen.findByText('1 of 3 viewed')).toBeVisible();
    await waitFor(() => expect(marked).toEqual(['?round=2']));
    press('n');
    expect(await screen.findByRole('heading', { name: 'sort.py' })).toBeVisible();
    const said = await screen.findByText('slow');
    await waitFor(() => expect(said.closest('[data-thread]')).toHaveFocus());
    press('[');
    expect(await screen.findByRole('heading', { name: 'a.py' })).toBeVisible();
    press('c');
    const box = await screen.findByRole('textbox', { name: 'Comment, in Markdown' });
    fireEvent.change(box, { target: { value: 'kept' } });
    fireEvent.keyDown(box, { key: ']' });
    expect(screen.getByRole('heading', { name: 'a.py' })).toBeVisible();
    press(']');
    expect(await screen.findByRole('heading', { name: 'sort.py' })).toBeVisible();
    press('[');
    expect(await screen.findByRole('textbox', { name: 'Comment, in Markdown' })).toHaveValue('kept');
    press('?');
    expect(await screen.findByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  });

  it('takes a mark back that the server refused', async () => {
    serve({ ...routes(() => NOW), [`PUT ${AT}/viewed/a.py`]: () => problem(503, 'busy', 'Not now.') });
    open();
    await screen.findByText('3 changes against round 1');
    press(']');
    fireEvent.click(await screen.findByRole('checkbox', { name: 'Viewed' }));
    expect(await screen.findByText('Not now.')).toBeInTheDocument();
    expect(screen.getByText('0 of 3 viewed')).toBeVisible();
  });

  it('shows what is no text as what it is', async () => {
    serve(routes(() => NOW));
    open();
    await screen.findByText('3 changes against round 1');
    press('[');
    expect(await screen.findByText('This is not text, so there are no lines to compare')).toBeVisible();
    expect(screen.getByRole('link', { name: 'Download' })).toHaveAttribute(
      'href',
      `/api/v1${AT}/files/pic.bin?round=2`,
    );
  });

  it('stays with the round that is read when another is submitted', async () => {
    let review = NOW;
    serve(routes(() => review));
    open();
    await screen.findByText('3 changes against round 1');
    review = { ...NOW, round: 3, version: 8, possible: [] };
    fireEvent(window, new Event('visibilitychange'));
    expect(await screen.findByText('You are looking at round 2; round 3 is the newest.')).toBeVisible();
    expect(screen.getByRole('combobox', { name: 'Round' })).toHaveValue('2');
  });

  it('asks for what is new when the review has changed', async () => {
    let review = NOW;
    const threads = [thread()];
    serve(routes(() => review, threads));
    open();
    expect(await screen.findByRole('button', { name: /Issue, open.*sort\.py:2/ })).toBeVisible();
    threads.push(
      thread({
        id: 't2',
        path: null,
        at: { round: 2, outdated: false },
        written: { round: 2, side: 'new' },
        comments: [comment({ id: 'c2', text: 'On all of it' })],
      }),
    );
    review = { ...NOW, version: 8 };
    fireEvent(window, new Event('visibilitychange'));
    const all = await screen.findByRole('region', { name: 'On all of it' });
    expect(await within(all).findByText('On all of it', { selector: 'p' })).toBeVisible();
  });
});
