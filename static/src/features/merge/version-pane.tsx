/** One of the versions a merge is made of, to be read, with the lines marked that are in conflict. */
'use client';

import { useEffect, useRef } from 'react';
import { useEditor, useText } from '@/features/editor/use-editor';
import type { Span } from './three-way';

interface VersionPaneProps {
  title: string;
  path: string;
  text: string;
  /** The conflicts, and which of them is the current one. */
  conflicts: readonly Span[];
  current: number;
  /** What this side changed alone. */
  merged: readonly Span[];
  onSelect: (conflict: number) => void;
}

export function VersionPane({ title, path, text, conflicts, current, merged, onSelect }: VersionPaneProps) {
  const host = useRef<HTMLDivElement>(null);
  const made = useEditor(host, {
    readOnly: true,
    domReadOnly: true,
    lineNumbersMinChars: 3,
    ariaLabel: title,
  });
  const { monaco, editor, problem } = made;
  useText(made, path, text);
  const select = useRef(onSelect);
  select.current = onSelect;

  useEffect(() => {
    const watch = editor?.onMouseDown(({ target }) => {
      const line = target.position?.lineNumber ?? 0;
      const hit = conflicts.findIndex(({ start, count }) => line > start && line <= start + count);
      if (hit >= 0) select.current(hit);
    });
    return () => watch?.dispose();
  }, [editor, conflicts]);

  useEffect(() => {
    if (!editor || !monaco) return;
    const marks = editor.createDecorationsCollection([
      ...merged.map((span) => ({ range: linesOf(monaco.Range, span), options: whole('merge-line-merged') })),
      ...conflicts.map((span, index) => ({
        range: linesOf(monaco.Range, span),
        options: whole(markOf(span, index === current)),
      })),
    ]);
    return () => marks.clear();
  }, [editor, monaco, merged, conflicts, current]);

  useEffect(() => {
    const span = conflicts[current];
    if (editor && span) editor.revealLinesInCenterIfOutsideViewport(span.start + 1, span.start + span.count);
  }, [editor, conflicts, current]);

  return (
    <section aria-label={title} className="flex min-h-0 min-w-0 flex-1 flex-col">
      <h3 className="truncate border-b bg-bg px-3 py-1 text-xs font-semibold text-muted">{title}</h3>
      {problem ? <pre className="min-h-0 flex-1 overflow-auto p-2 font-mono text-xs">{text}</pre> : null}
      <div ref={host} className={problem ? 'hidden' : 'min-h-0 flex-1'} />
    </section>
  );
}

type RangeOf = new (line: number, column: number, endLine: number, endColumn: number) => MonacoRange;
interface MonacoRange {
  readonly startLineNumber: number;
  readonly startColumn: number;
  readonly endLineNumber: number;
  readonly endColumn: number;
}

/** Lines without any are marked at the line they stand before. */
function linesOf(Range: RangeOf, { start, count }: Span): MonacoRange {
  return new Range(start + 1, 1, start + Math.max(1, count), 1);
}

function whole(className: string): { isWholeLine: true; className: string } {
  return { isWholeLine: true, className };
}

function markOf({ count }: Span, current: boolean): string {
  const kind = count === 0 ? 'merge-line-gap' : 'merge-line-conflict';
  return current ? `${kind} merge-line-current` : kind;
}
