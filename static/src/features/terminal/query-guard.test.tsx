import { Terminal } from '@xterm/xterm';
import { describe, expect, it } from 'vitest';
import { guardQueries } from './query-guard';

const QUERIES = [
  '\x1b[c',
  '\x1b[>c',
  '\x1b[5n',
  '\x1b[6n',
  '\x1b[?6n',
  '\x1b[4$p',
  '\x1b[?25$p',
  '\x1bP$qm\x1b\\',
];

async function answers(text: string, mayAnswer: boolean): Promise<string> {
  const terminal = new Terminal({ allowProposedApi: true });
  let said = '';
  terminal.onData((data) => (said += data));
  guardQueries(terminal, () => mayAnswer);
  await new Promise<void>((resolve) => terminal.write(`${text}seen`, resolve));
  expect(terminal.buffer.active.getLine(0)?.translateToString(true)).toBe('seen');
  terminal.dispose();
  return said;
}

describe('questions of programs', () => {
  it.each(QUERIES)('%j is answered by the screen that may', async (query) =>
    expect(await answers(query, true)).not.toBe(''),
  );

  it.each([...QUERIES, '\x1b]11;?\x07', '\x1b]4;1;?\x07'])('%j is not answered by another', async (query) =>
    expect(await answers(query, false)).toBe(''),
  );
});
