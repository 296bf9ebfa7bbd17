import { fireEvent, screen, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import type { Session } from '@/api/types';
import { TERMS, json, never, problem, renderPage, serve, type Route } from '@/test/render-page';
import { NewSessionDialog } from './new-session-dialog';

const SESSION: Session = {
  id: '22222222-2222-4222-8222-222222222222',
  name: 'Cities',
  state: 'cold',
  created_at: '2026-01-01T00:00:00Z',
  last_active_at: '2026-01-01T00:00:00Z',
  ...TERMS,
  usage: { items: 2, bytes: 2048 },
};
const TEMPLATE = {
  id: 't1',
  name: 'pandas',
  title: 'Pandas course',
  description: 'Notebooks and data for the first week.',
  items: 12,
  bytes: 4096,
  revision: 3,
  updated_at: '2026-01-01T00:00:00Z',
};
const SNAPSHOT = {
  id: 's1',
  name: 'Before the exam',
  items: 2,
  bytes: 10,
  created_at: '2026-01-01T00:00:00Z',
};

function open(routes: Record<string, Route> = {}, sessions: readonly Session[] = [SESSION]) {
  serve(routes);
  const create = vi.fn(() => Promise.resolve());
  const onClose = vi.fn();
  renderPage(
    <NewSessionDialog initialName="Session 1" sessions={sessions} create={create} onClose={onClose} />,
  );
  return { create, onClose };
}

function begin(words: string): void {
  fireEvent.click(screen.getByRole('radio', { name: words }));
}

function submit(): void {
  fireEvent.click(screen.getByRole('button', { name: 'Create' }));
}

describe('a new session', () => {
  it('is empty unless something else is chosen', async () => {
    const { create, onClose } = open();
    submit();
    await vi.waitFor(() => expect(onClose).toHaveBeenCalled());
    expect(create).toHaveBeenCalledWith('Session 1', null);
  });

  it('begins with a template, whose title it gets as its name', async () => {
    const { create } = open({ 'GET /templates': () => json({ items: [TEMPLATE], next: null }) });
    begin('From a template');
    const template = await screen.findByRole('radio', {
      name: /Pandas course.*first week.*12 items, 4.0 KB/,
    });
    submit();
    expect(await screen.findByText('Choose a template.')).toBeInTheDocument();
    fireEvent.click(template);
    expect(screen.getByLabelText('Name')).toHaveValue('Pandas course');
    submit();
    await vi.waitFor(() => expect(create).toHaveBeenCalledWith('Pandas course', { template: 't1' }));
  });

  it('is a duplicate, under the name that was typed', async () => {
    const { create } = open();
    fireEvent.change(screen.getByLabelText('Name'), { target: { value: 'Towns' } });
    begin('As a duplicate');
    fireEvent.click(screen.getByRole('radio', { name: /Cities/ }));
    submit();
    await vi.waitFor(() => expect(create).toHaveBeenCalledWith('Towns', { session: SESSION.id }));
  });

  it('begins with a snapshot of one of the sessions', async () => {
    const other = { ...SESSION, id: 'other', name: 'Towns' };
    const { create } = open(
      {
        [`GET /sessions/${SESSION.id}/snapshots`]: () => json({ items: [], next: null }),
        'GET /sessions/other/snapshots': () => json({ items: [SNAPSHOT], next: null }),
      },
      [SESSION, other],
    );
    begin('From a snapshot');
    expect(await screen.findByText('No snapshots of this session')).toBeInTheDocument();
    fireEvent.change(screen.getByLabelText('Of'), { target: { value: 'other' } });
    fireEvent.click(await screen.findByRole('radio', { name: /Before the exam/ }));
    submit();
    await vi.waitFor(() => expect(create).toHaveBeenCalledWith('Before the exam', { snapshot: 's1' }));
  });

  it('forgets what was chosen of another kind', async () => {
    const { create } = open({ 'GET /templates': () => json({ items: [TEMPLATE], next: null }) });
    begin('From a template');
    fireEvent.click(await screen.findByRole('radio', { name: /Pandas course/ }));
    begin('Empty');
    submit();
    await vi.waitFor(() => expect(create).toHaveBeenCalledWith('Pandas course', null));
  });

  it('says that templates load, that there are none, and why not', async () => {
    const answers: Route[] = [
      never,
      () => json({ items: [], next: null }),
      () => problem(503, 'x', 'Not now.'),
    ];
    const words = ['Loading templates…', 'No templates yet', 'Not now.'];
    for (const [index, answer] of answers.entries()) {
      const { unmount } = ((): ReturnType<typeof renderPage> => {
        serve({ 'GET /templates': answer });
        return renderPage(
          <NewSessionDialog initialName="S" sessions={[]} create={vi.fn()} onClose={vi.fn()} />,
        );
      })();
      begin('From a template');
      expect(await screen.findByText(words[index] ?? '')).toBeInTheDocument();
      unmount();
    }
  });

  it('says that there is nothing to be duplicated', () => {
    open({}, []);
    begin('As a duplicate');
    expect(within(screen.getByRole('dialog')).getByText('No sessions yet')).toBeInTheDocument();
  });
});
