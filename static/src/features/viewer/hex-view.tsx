/** The first bytes of a file, as address, hexadecimal and ASCII. */
'use client';

import { useMemo } from 'react';
import { hexLines } from './hex';

export function HexView({ bytes, label }: { bytes: Uint8Array; label: string }) {
  const lines = useMemo(() => hexLines(bytes), [bytes]);
  return (
    <div className="h-full overflow-auto px-3 py-2" tabIndex={0} role="region" aria-label={label}>
      <table className="font-mono text-xs">
        <thead className="sr-only">
          <tr>
            <th scope="col">Address</th>
            <th scope="col">Hexadecimal</th>
            <th scope="col">ASCII</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ address, hex, ascii }) => (
            <tr key={address} className="hover:bg-hover">
              <th scope="row" className="pr-4 font-normal text-faint select-none">
                {address}
              </th>
              <td className="pr-4 whitespace-pre">{hex}</td>
              <td className="whitespace-pre text-muted">{ascii}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
