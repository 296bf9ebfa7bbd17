import { fireEvent, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { AuthGate } from '@/features/auth/auth-gate';
import { Elsewhere } from '@/features/session/elsewhere';
import { USER, json, renderPage, serve } from '@/test/render-page';
import { MemoryDraftTable } from './draft-database';
import { Drafts } from './drafts';

const table = vi.hoisted((): { now: unknown } => ({ now: null }));
vi.mock('@/features/editor/draft-database', async (original) => ({
  ...(await original<object>()),
  draftTable: () => table.now,
}));

it('offers the unsaved text of a session that has gone to another server', async () => {
  const drafts = new MemoryDraftTable();
  table.now = drafts;
  await new Drafts(drafts, USER.id, 'here').keep('src/a.py', 'not saved', '"1"');
  await new Drafts(drafts, USER.id, 'other').keep('b.py', 'another', '"1"');
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal('navigator', { ...navigator, onLine: true, clipboard: { writeText } });
  serve({ 'GET /me': () => json(USER) });
  renderPage(
    <AuthGate>
      <Elsewhere session="here" serverUrl="https://two.example" onRetry={() => undefined} />
    </AuthGate>,
  );
  fireEvent.click(await screen.findByRole('button', { name: 'Copy src/a.py' }));
  expect(writeText).toHaveBeenCalledWith('not saved');
  expect(await screen.findByText('Copied.')).toBeInTheDocument();
  expect(screen.getAllByRole('button', { name: /^Download/ })).toHaveLength(1);
  vi.unstubAllGlobals();
});
