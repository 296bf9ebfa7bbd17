import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryDraftTable } from '@/features/editor/draft-database';
import { Drafts, type DraftPlace } from '@/features/editor/drafts';
import { UserMenu } from '@/features/shell/user-menu';
import { USER, json, problem, renderPage, serve } from '@/test/render-page';
import { AuthGate } from './auth-gate';

const table = vi.hoisted((): { now: unknown } => ({ now: null }));
vi.mock('@/features/editor/draft-database', async (original) => ({
  ...(await original<object>()),
  draftTable: () => table.now,
}));

let drafts: MemoryDraftTable;
let mine: Drafts;

async function open(logout: () => Response, saveFirst?: () => Promise<DraftPlace[]>): Promise<void> {
  serve({
    'GET /me': () => json(USER),
    'POST /auth/logout': logout,
    'POST /auth/login': () => json(USER),
  });
  renderPage(<AuthGate>{<UserMenu {...(saveFirst ? { saveFirst } : {})} />}</AuthGate>);
  fireEvent.keyDown(await screen.findByRole('button', { name: 'Account of Ada' }), { key: 'Enter' });
  fireEvent.click(await screen.findByRole('menuitem', { name: 'Sign out' }));
}

async function answer(name: string): Promise<void> {
  const question = await screen.findByRole('alertdialog', { name: 'Sign out without saving?' });
  fireEvent.click(within(question).getByRole('button', { name }));
}

function keys(): Promise<string[]> {
  return drafts.all().then((all) => all.map(({ key }) => key));
}

beforeEach(async () => {
  table.now = drafts = new MemoryDraftTable();
  mine = new Drafts(drafts, USER.id, 'session');
  await mine.keep('a.py', 'x', '');
  await new Drafts(drafts, 'bob', 'session').keep('a.py', 'x', '');
});

describe('signing out', () => {
  it('takes the user’s drafts along, and lets no other tab write one', async () => {
    await open(() => new Response(null, { status: 204 }));
    await answer('Sign out');
    expect(await screen.findByRole('heading', { name: 'Sign in to Carrel' })).toBeInTheDocument();
    await waitFor(async () => expect(await keys()).toEqual(['bob/session/a.py']));
    await mine.keep('late.py', 'x', '');
    expect(await keys()).toEqual(['bob/session/a.py']);
    fireEvent.change(screen.getByLabelText('Username or e-mail'), { target: { value: 'ada' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'correct horse' } });
    const form = screen.getByLabelText('Password').closest('form');
    if (form) fireEvent.submit(form);
    await screen.findByRole('button', { name: 'Account of Ada' });
    await mine.keep('again.py', 'x', '');
    expect(await mine.paths()).toEqual(['again.py']);
  });

  it('keeps the drafts when the server could not be told', async () => {
    await open(() => problem(503, 'unavailable', 'Not now.'));
    await answer('Sign out');
    expect(await screen.findByText('Not now.')).toBeInTheDocument();
    await mine.keep('b.py', 'x', '');
    expect(await mine.paths()).toEqual(['a.py', 'b.py']);
  });

  it('asks about unsaved text, here or left by other sessions and tabs, and does not happen unless told to', async () => {
    const logout = vi.fn(() => new Response(null, { status: 204 }));
    const saveFirst = () =>
      Promise.resolve(['a.py', 'src/b.py'].map((path) => ({ session: 'session', path })));
    await mine.keep('c.py', 'x', '');
    await open(logout, saveFirst);
    expect(await screen.findByText(/^“a.py”, “b.py” and “c.py” have changes/)).toBeInTheDocument();
    await answer('Cancel');
    expect(screen.getByRole('button', { name: 'Account of Ada', hidden: true })).toBeInTheDocument();
    expect(logout).not.toHaveBeenCalled();
    expect(await mine.paths()).toEqual(['a.py', 'c.py']);
  });

  it('asks nothing when there is nothing unsaved', async () => {
    await mine.drop('a.py');
    await open(() => new Response(null, { status: 204 }));
    expect(await screen.findByRole('heading', { name: 'Sign in to Carrel' })).toBeInTheDocument();
  });
});
