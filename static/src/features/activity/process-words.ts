/** A command line in plain words. What it says comes out of a sandbox: it is shown, never trusted. */
import { baseName, displayName } from '@/lib/paths';

export interface ProcessWords {
  /** What it is: `report.py`, `Shell`, `pip install pandas`. */
  title: string;
  /** What kind of thing that is, when the title does not say it. */
  kind: string | null;
}

const SHELLS = new Set(['bash', 'sh', 'dash', 'zsh', 'fish']);
const SHELL = 'Shell';
const EDITORS = new Set(['vim', 'vi', 'nvim', 'nano', 'emacs', 'view']);
const READERS = new Set(['less', 'more', 'tail', 'man']);
const PYTHON = /^python(\d(\.\d+)?)?$/;

/** Options of Python that take a value of their own. */
const PYTHON_WITH_VALUE = new Set(['-W', '-X']);

export function describeProcess(command: string): ProcessWords {
  const words = displayName(command).trim().split(/\s+/).filter(Boolean);
  const [first = '', ...rest] = words;
  if (first === '') return { title: 'Unnamed program', kind: null };
  // A login shell calls itself `-bash`.
  const program = baseName(first).replace(/^-/, '') || first;
  if (SHELLS.has(program)) return describeShell(rest);
  if (PYTHON.test(program)) return describePython(rest);
  const subject = rest.filter((word) => !word.startsWith('-')).at(-1);
  if (EDITORS.has(program))
    return { title: subject ? baseName(subject) : program, kind: `open in ${program}` };
  if (READERS.has(program))
    return { title: subject ? baseName(subject) : program, kind: `shown by ${program}` };
  if (program === 'sleep') return { title: rest[0] ? `sleep ${rest[0]}` : 'sleep', kind: 'waiting' };
  const verb = rest[0];
  return { title: verb && /^[a-z][\w-]*$/.test(verb) ? `${program} ${verb}` : program, kind: null };
}

/** Whether this is a shell that reads its commands from a terminal. */
export function isWaitingShell(command: string): boolean {
  const { title, kind } = describeProcess(command);
  return title === SHELL && kind === null;
}

function describeShell(rest: readonly string[]): ProcessWords {
  const script = rest.find((word) => !word.startsWith('-'));
  if (rest.includes('-c'))
    return { title: 'Shell command', kind: script ? rest.slice(rest.indexOf('-c') + 1).join(' ') : null };
  return script ? { title: baseName(script), kind: 'shell script' } : { title: SHELL, kind: null };
}

function describePython(rest: readonly string[]): ProcessWords {
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index] ?? '';
    if (word === '-c') return { title: 'Python command', kind: rest.slice(index + 1).join(' ') || null };
    if (word === '-m') return { title: rest.slice(index + 1, index + 3).join(' '), kind: 'Python module' };
    if (PYTHON_WITH_VALUE.has(word)) index += 1;
    else if (!word.startsWith('-')) return { title: baseName(word), kind: 'Python program' };
  }
  return { title: 'Python', kind: 'interactive' };
}
