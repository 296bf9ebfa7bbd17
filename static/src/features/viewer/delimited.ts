/** The first rows of comma- or tab-separated text (RFC 4180, and what spreadsheets make of it). */
import { extensionOf } from '@/lib/paths';

/** More rows would make a page slow, and are better looked at by a program. */
export const MOST_ROWS = 500;

/** The same for columns. */
export const MOST_COLUMNS = 100;

/** Of the text, no more than this is looked at. */
export const MOST_CHARS = 1024 * 1024;

/** A cell shows no more than this. */
const MOST_CELL_CHARS = 300;

export interface Grid {
  rows: readonly (readonly string[])[];
  columns: number;
  /** Whether there are more rows, or columns, than these. */
  moreRows: boolean;
  moreColumns: boolean;
}

const DELIMITERS = [',', ';', '\t', '|'] as const;

/** What separates the cells: a tab in a TSV, else whatever the first line has most of. */
export function delimiterOf(path: string, text: string): string {
  if (extensionOf(path) === 'tsv') return '\t';
  const end = text.indexOf('\n');
  const line = text.slice(0, end < 0 ? 4096 : Math.min(end, 4096)).replace(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** `whole`: the text is the file's, not only its beginning. */
export function parseDelimited(text: string, delimiter: string, whole = true): Grid {
  const cut = text.length > MOST_CHARS;
  const source = (cut ? text.slice(0, MOST_CHARS) : text).replace(/^\ufeff/, '');
  const rows: string[][] = [];
  let at = 0;
  while (at < source.length && rows.length <= MOST_ROWS) {
    const row = readRow(source, at, delimiter);
    at = row.end;
    if (row.cells.length > 1 || row.cells[0] !== '') rows.push(row.cells);
  }
  // A row that was cut through is not shown as if it were whole.
  if ((cut || !whole) && at >= source.length) rows.pop();
  const widest = Math.max(0, ...rows.map((row) => row.length));
  return {
    rows: rows.slice(0, MOST_ROWS).map((row) => row.slice(0, MOST_COLUMNS)),
    columns: Math.min(widest, MOST_COLUMNS),
    moreRows: cut || !whole || rows.length > MOST_ROWS,
    moreColumns: widest > MOST_COLUMNS,
  };
}

function readRow(text: string, start: number, delimiter: string): { cells: string[]; end: number } {
  const cells: string[] = [];
  let at = start;
  for (;;) {
    const cell = text[at] === '"' ? readQuoted(text, at) : { value: '', end: at };
    let end = cell.end;
    while (end < text.length && text[end] !== delimiter && text[end] !== '\n') end += 1;
    const rest = text.slice(cell.end, end);
    cells.push(
      (cell.value + (text[end] === delimiter ? rest : rest.replace(/\r$/, ''))).slice(0, MOST_CELL_CHARS),
    );
    at = end + 1;
    if (text[end] !== delimiter) return { cells, end: at };
  }
}

/** A cell in quotes, in which a doubled quote is one. */
function readQuoted(text: string, start: number): { value: string; end: number } {
  let value = '';
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return { value: value + text.slice(at), end: text.length };
    value += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    at = quote + 2;
  }
}
