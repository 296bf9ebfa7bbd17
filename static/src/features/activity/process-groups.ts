/** Processes by the terminal they belong to, in an order that does not jump about. */
import type { Process, Terminal } from '@/api/types';

export interface ProcessGroup {
  /** The terminal's id; `null` for what belongs to none. */
  terminal: string | null;
  name: string;
  processes: readonly GroupedProcess[];
}

export interface GroupedProcess {
  process: Process;
  /** The program a terminal began with: ending it ends the terminal. */
  first: boolean;
}

export const BACKGROUND = 'In the background';

/** Terminals in the order of their opening, then the rest; inside by process id, which grows with time. */
export function groupProcesses(
  processes: readonly Process[],
  terminals: readonly Pick<Terminal, 'id' | 'name' | 'pid'>[],
): ProcessGroup[] {
  const known = new Set(terminals.map((terminal) => terminal.id));
  const within = (id: string | null): Process[] =>
    processes
      .filter((process) => (process.terminal && known.has(process.terminal) ? process.terminal : null) === id)
      .sort((a, b) => a.pid - b.pid);
  const groups: ProcessGroup[] = terminals.map(({ id, name, pid }) => ({
    terminal: id,
    name,
    processes: within(id).map((process) => ({ process, first: process.pid === pid })),
  }));
  groups.push({
    terminal: null,
    name: BACKGROUND,
    processes: within(null).map((process) => ({ process, first: false })),
  });
  return groups.filter((group) => group.processes.length > 0);
}
