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

  describe('run a line', () => {
    const process = (pid: number, terminal: string, command: string) => ({
      pid,
      parent: 1,
      terminal,
      command,
    });
    const shells = [process(1, 'a', '-bash'), process(2, 'b', 'bash -l')];

    /** What was typed, by terminal, when `processes` run in A, which is in front, and in B. */
    const run = async (processes: object[], name = B.name): Promise<Record<string, string>> => {
      const create = vi.fn(async (request: Request) => {
        const { name: given } = (await request.json()) as { name: string };
        return json({ ...terminal('c', 3), name: given }, 201);
      });
      serve({
        [`GET /sessions/${SESSION}/processes`]: () => json({ items: processes }),
        [`POST /sessions/${SESSION}/terminals`]: create,
      });
      const set = new TerminalSet(SESSION);
      const typed: Record<string, string> = {};
      for (const id of ['a', 'b', 'c'])
        set.register(id, { type: (text) => void (typed[id] = text), focus: () => undefined });
      set.replace([A, { ...B, name }]);
      set.activate('a');
      expect(await set.run('python x')).toBe(true);
      return typed;
    };
    const line = '\x05\x15python x\n';

    it('in the terminal in front, when its shell waits', async () =>
      expect(await run(shells)).toEqual({ a: line }));

    it('in a new one, when something runs there', async () =>
      expect(await run([...shells, process(9, 'a', 'vim notes')])).toEqual({ c: line }));

    it('in a new one, when there is no shell any more', async () =>
      expect(await run([process(1, 'a', 'python3')])).toEqual({ c: line }));

    it('in the one opened for the last run, when its shell waits', async () =>
      expect(await run([...shells, process(9, 'a', 'vim notes')], 'Run')).toEqual({ b: line }));

    it('in the one that is just being opened', async () => {
      const create = vi.fn(() => json(A, 201));
      serve({ [`POST /sessions/${SESSION}/terminals`]: create });
      const set = new TerminalSet(SESSION);
      const type = vi.fn();
      set.register('a', { type, focus: () => undefined });
      const opening = set.open();
      expect(await set.run('python x')).toBe(true);
      expect(await opening).toBe('a');
      expect(type).toHaveBeenCalledWith(line);
      expect(create).toHaveBeenCalledTimes(1);
    });
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
