/**
 * Programs may ask a terminal what it is, where the cursor stands, which colours it has. The answer arrives as if typed.
 *
 * With several viewers of one terminal each would answer, and a viewer that draws old output again would answer
 * questions whose asker is long gone; either way the program, or the shell after it, reads the rest as commands. So
 * a screen answers only while `mayAnswer()` says so, asked at the moment the question is drawn.
 */
import type { Terminal } from '@xterm/xterm';

/** Everything xterm answers: device attributes, status and cursor reports, mode and setting requests. */
const CSI_QUERIES = [
  { final: 'c' },
  { prefix: '>', final: 'c' },
  { final: 'n' },
  { prefix: '?', final: 'n' },
  { intermediates: '$', final: 'p' },
  { prefix: '?', intermediates: '$', final: 'p' },
] as const;

/** Palette, foreground, background and cursor colour; a `?` in place of a colour asks for it. */
const OSC_COLOURS = [4, 10, 11, 12] as const;

export function guardQueries(terminal: Pick<Terminal, 'parser'>, mayAnswer: () => boolean): void {
  // A handler that returns true has dealt with the sequence, and xterm's own is not asked.
  const { parser } = terminal;
  for (const query of CSI_QUERIES) parser.registerCsiHandler(query, () => !mayAnswer());
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, () => !mayAnswer());
  for (const colour of OSC_COLOURS)
    parser.registerOscHandler(colour, (data) => data.includes('?') && !mayAnswer());
}
