import { describe, expect, it, vi } from 'vitest';
import { readHead } from '@/api/files';
import { MOST_COLUMNS, MOST_ROWS, delimiterOf, parseDelimited } from './delimited';
import { imageType, modesOfText } from './file-kinds';
import { decodeHead } from './head-text';
import { hexLines } from './hex';

describe('hexLines', () => {
  it('shows address, bytes and what of them is ASCII', () => {
    const bytes = Uint8Array.from([...new TextEncoder().encode('\u007fELF and more bytes'), 0, 255]);
    expect(hexLines(bytes)).toEqual([
      {
        address: '00000000',
        hex: '7f 45 4c 46 20 61 6e 64  20 6d 6f 72 65 20 62 79',
        ascii: '.ELF and more by',
      },
      { address: '00000010', hex: '74 65 73 00 ff', ascii: 'tes..' },
    ]);
  });
});

describe('parseDelimited', () => {
  const rows = (text: string, delimiter = ',') => parseDelimited(text, delimiter).rows;

  it.each<[string, string, string[][]]>([
    [
      'plain rows',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'carriage returns',
      'a,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['no last line end', 'a\n1', [['a'], ['1']]],
    [
      'empty cells',
      'a,,c\n,,\n',
      [
        ['a', '', 'c'],
        ['', '', ''],
      ],
    ],
    [
      'quoted delimiters and line ends',
      '"a,b","c\nd"\n1,2',
      [
        ['a,b', 'c\nd'],
        ['1', '2'],
      ],
    ],
    ['doubled quotes', '"say ""hi""",x', [['say "hi"', 'x']]],
    ['a quote that never ends', '"a,b\nc', [['a,b\nc']]],
    ['text behind a quote', '"a"b,c', [['ab', 'c']]],
    ['a byte order mark', '\ufeffa,b', [['a', 'b']]],
    [
      'empty lines',
      'a,b\n\n1,2\n\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['nothing', '', []],
  ])('reads %s', (_what, text, expected) => {
    expect(rows(text)).toEqual(expected);
  });

  it('is bounded in rows and columns, and says so', () => {
    const line = Array.from({ length: MOST_COLUMNS + 5 }, (_, index) => index).join(',');
    const grid = parseDelimited(`${line}\n`.repeat(MOST_ROWS + 5), ',');
    expect(grid.rows).toHaveLength(MOST_ROWS);
    expect(grid).toMatchObject({ columns: MOST_COLUMNS, moreRows: true, moreColumns: true });
  });

  it('leaves out the last row of a text that was cut', () => {
    expect(parseDelimited('a,b\n1,2\n3', ',', false)).toMatchObject({
      rows: [
        ['a', 'b'],
        ['1', '2'],
      ],
      moreRows: true,
    });
  });

  it.each([
    ['x.csv', 'a,b;c,d\n', ','],
    ['x.csv', 'a;b;c,d\n', ';'],
    ['x.csv', '"a,b,c,d";x;y\n', ';'],
    ['x.tsv', 'a,b,c\n', '\t'],
    ['x.csv', 'alone', ','],
  ])('finds what separates the cells of %s: %j', (path, text, delimiter) => {
    expect(delimiterOf(path, text)).toBe(delimiter);
  });
});

describe('decodeHead', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it('ends with a whole line and a whole character', () => {
    expect(decodeHead(bytes('one\ntwo\nthr'), false)).toBe('one\ntwo\n');
    expect(decodeHead(bytes('日本').subarray(0, 5), false)).toBe('日');
    expect(decodeHead(bytes('one\ntwo'), true)).toBe('one\ntwo');
  });

  it('is nothing for what is no text', () => {
    expect(decodeHead(Uint8Array.of(65, 0, 66), false)).toBeNull();
    expect(decodeHead(Uint8Array.of(0xff, 0xfe, 65), false)).toBeNull();
    expect(decodeHead(bytes('日本').subarray(0, 5), true)).toBeNull();
  });
});

describe('what a file is shown as', () => {
  it('is judged by its name', () => {
    expect(modesOfText('a/b.CSV')).toEqual(['table', 'text']);
    expect(modesOfText('logo.svg')).toEqual(['image', 'text']);
    expect(modesOfText('main.py')).toEqual(['text']);
    expect(imageType('plot.png')).toBe('image/png');
    expect(imageType('png')).toBeNull();
  });
});

describe('readHead', () => {
  it('takes the first bytes and hangs up', async () => {
    const cancelled = vi.fn();
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 1;
        controller.enqueue(new Uint8Array(64).fill(sent));
      },
      cancel: cancelled,
    });
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(body)));
    const head = await readHead('id', 'big.bin', 100, new AbortController().signal);
    expect(head.whole).toBe(false);
    expect([head.bytes.length, head.bytes[63], head.bytes[64]]).toEqual([100, 1, 2]);
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalled());
    expect(sent).toBeLessThan(10);
  });

  it('says that a short file is whole', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('abc')));
    const head = await readHead('id', 'a', 3, new AbortController().signal);
    expect([new TextDecoder().decode(head.bytes), head.whole]).toEqual(['abc', true]);
  });
});
