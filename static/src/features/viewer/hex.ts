/** Bytes as people read them: address, hexadecimal, ASCII. */

/** Bytes in a line. */
export const LINE_BYTES = 16;

export interface HexLine {
  address: string;
  hex: string;
  ascii: string;
}

export function hexLines(bytes: Uint8Array): HexLine[] {
  const lines: HexLine[] = [];
  for (let start = 0; start < bytes.length; start += LINE_BYTES) {
    const line = [...bytes.subarray(start, start + LINE_BYTES)];
    const pairs = line.map((byte) => byte.toString(16).padStart(2, '0'));
    const half = LINE_BYTES / 2;
    lines.push({
      address: start.toString(16).padStart(8, '0'),
      hex: [pairs.slice(0, half).join(' '), pairs.slice(half).join(' ')].filter(Boolean).join('  '),
      ascii: line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(''),
    });
  }
  return lines;
}
