import { describe, expect, it } from 'vitest';
import { BACKGROUND, groupProcesses } from './process-groups';

function process(pid: number, terminal: string | null) {
  return { pid, terminal, parent: 1, command: 'x', cpu_percent: 0, cpu_ms: 0, memory_bytes: 0, age_ms: 0 };
}

describe('groupProcesses', () => {
  it('puts programs under their terminals, the rest last, and knows the first of each', () => {
    const terminals = [
      { id: 'a', name: 'Build', pid: 20 },
      { id: 'b', name: 'Empty', pid: 99 },
    ];
    const groups = groupProcesses(
      [process(30, 'a'), process(40, 'gone'), process(20, 'a'), process(25, null)],
      terminals,
    );
    expect(
      groups.map(({ name, processes }) => [name, processes.map((p) => [p.process.pid, p.first])]),
    ).toEqual([
      [
        'Build',
        [
          [20, true],
          [30, false],
        ],
      ],
      [
        BACKGROUND,
        [
          [25, false],
          [40, false],
        ],
      ],
    ]);
  });
});
