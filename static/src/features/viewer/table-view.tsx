/** The first rows of separated values; the first of them as the heading. */
'use client';

import { Sheet } from 'lucide-react';
import { useMemo } from 'react';
import { Empty } from '@/components/states';
import { MOST_COLUMNS, MOST_ROWS, delimiterOf, parseDelimited } from './delimited';

interface TableViewProps {
  path: string;
  text: string;
  /** Whether the text is all of the file. */
  whole?: boolean;
}

export function TableView({ path, text, whole = true }: TableViewProps) {
  const grid = useMemo(() => parseDelimited(text, delimiterOf(path, text), whole), [path, text, whole]);
  const [head, ...rows] = grid.rows;
  if (!head) return <Empty icon={<Sheet aria-hidden />} title="There are no rows" />;
  const places = Array.from({ length: grid.columns }, (_, index) => index);
  return (
    <div className="h-full overflow-auto" tabIndex={0} role="region" aria-label="Table">
      <table className="border-separate border-spacing-0 text-xs">
        <thead>
          <tr className="[&>th]:sticky [&>th]:top-0 [&>th]:border-r [&>th]:border-b [&>th]:bg-bg [&>th]:px-2 [&>th]:py-1">
            <th aria-label="Row" />
            {places.map((place) => (
              <th key={place} scope="col" className="max-w-80 truncate text-left font-semibold">
                {head[place] ?? ''}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index} className="hover:bg-hover [&>*]:border-r [&>*]:border-b [&>*]:px-2 [&>*]:py-0.5">
              <th scope="row" className="text-right font-normal text-faint tabular-nums select-none">
                {index + 2}
              </th>
              {places.map((place) => (
                <td key={place} title={row[place]} className="max-w-80 truncate">
                  {row[place] ?? ''}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {grid.moreRows || grid.moreColumns ? (
        <p className="px-3 py-2 text-xs text-muted">
          {grid.moreRows ? `Only the first ${Math.min(MOST_ROWS, grid.rows.length)} rows are shown. ` : ''}
          {grid.moreColumns ? `Only the first ${MOST_COLUMNS} columns are shown.` : ''}
        </p>
      ) : null}
    </div>
  );
}
