import { beforeEach, describe, expect, it, vi } from 'vitest';
import { json, problem, serve } from '@/test/render-page';
import { frontTab } from './terminal-layout';
import { TerminalSet } from './terminal-set';

const SESSION = '22222222-2222-4222-8222-222222222222';

function terminal(id: string, minute: number) {
  return {
    id,
    name: `Terminal ${minute}`,
    cols: 80,
    rows: 24,
    pid: minute,
    created_at: `2026-01-01T00:0${minute}:00Z`,
    exit: null,
  };
}

function panes(set: TerminalSet): string[] | undefined {
  return frontTab(set.state.get().layout)?.panes.map((pane) => pane.id);
}

const A = terminal('a', 1);
const B = terminal('b', 2);

beforeEach(() => window.localStorage.clear());

describe('the terminals of a session', () => {
  it('open beside the one with the keyboard, and take it when their screen is there', async () => {
    serve({ [`POST /sessions/${SESSION}/terminals`]: () => json(B, 201) });
    const set = new TerminalSet(SESSION);
    set.replace([A]);
    const focus = vi.fn();
    const opening = set.openFocused(set.besideActive());
    await vi.waitFor(() => expect(set.active).toBe('b'));
    expect(panes(set)).toEqual(['a', 'b']);
    set.register('b', { type: () => undefined, focus });
    await opening;
    expect(focus).toHaveBeenCalledTimes(1);
  });

  it('do not take the keyboard from a terminal the user has gone on to', async () => {
    serve({ [`POST /sessions/${SESSION}/terminals`]: () => json(B, 201) });
    const set = new TerminalSet(SESSION);
    set.replace([A]);
    const focus = vi.fn();
    const opening = set.openFocused();
    await vi.waitFor(() => expect(set.active).toBe('b'));
    set.activate('a');
    set.register('b', { type: () => undefined, focus });
    await opening;
    expect(focus).not.toHaveBeenCalled();
  });

  it('stand as they stood at the last visit', () => {
    const first = new TerminalSet(SESSION);
    first.replace([A, B]);
    first.placeBeside('a', 'b', 'column');
    const second = new TerminalSet(SESSION);
    second.replace([A, B]);
    expect(panes(second)).toEqual(['b', 'a']);
    expect(frontTab(second.state.get().layout)?.direction).toBe('column');
  });

  it('say why a name was refused, and show the one that was taken', async () => {
    let taken = false;
    serve({
      [`PATCH /sessions/${SESSION}/terminals/a`]: () =>
        taken ? json({ ...A, name: 'Build' }) : problem(400, 'invalid_name', 'No such name.'),
    });
    const set = new TerminalSet(SESSION);
    set.replace([A]);
    await expect(set.rename('a', 'x')).rejects.toThrow('No such name.');
    taken = true;
    await set.rename('a', 'Build');
    expect(set.state.get().items[0]?.name).toBe('Build');
  });

  it('keep a notice until it is read or the terminals are gone', () => {
    const set = new TerminalSet(SESSION);
    set.replace([A, B]);
    set.notice('a', { level: 'warning', text: 'soon' });
    set.notice('b', { level: 'info', text: 'well' });
    set.notice('a', null);
    expect(set.state.get().notices).toEqual({ b: { level: 'info', text: 'well' } });
    set.clear();
    expect(set.state.get().notices).toEqual({});
  });
});
