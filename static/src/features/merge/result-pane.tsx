/** The merged text in an editor: what is done there and what the buttons do are one history, which undo goes back through. */
'use client';

import { useEffect, useLayoutEffect, useRef } from 'react';
import { Failure } from '@/components/states';
import { createModel } from '@/features/editor/monaco-buffer';
import { useEditor } from '@/features/editor/use-editor';
import { useStore } from '@/lib/store';
import type { MergeResult } from './merge-result';

interface ResultPaneProps {
  result: MergeResult;
  path: string;
}

export function ResultPane({ result, path }: ResultPaneProps) {
  const host = useRef<HTMLDivElement>(null);
  const { monaco, editor, problem } = useEditor(host, { ariaLabel: 'Merged result' });
  const { hunks, current } = useStore(result.state);

  useLayoutEffect(() => {
    if (!monaco || !editor) return;
    const model = createModel(monaco, path, result.text);
    model.setEOL(0);
    editor.setModel(model);
    const detach = result.attach((edits) => {
      const operations = edits.map(({ start, end, text }) => {
        const from = model.getPositionAt(start);
        const to = model.getPositionAt(end);
        return {
          range: new monaco.Range(from.lineNumber, from.column, to.lineNumber, to.column),
          text,
        };
      });
      editor.pushUndoStop();
      editor.executeEdits('merge', operations);
      editor.pushUndoStop();
    });
    const changes = model.onDidChangeContent((event) => {
      result.changed(
        event.changes.map(({ rangeOffset, rangeLength, text }) => ({
          start: rangeOffset,
          end: rangeOffset + rangeLength,
          text,
        })),
      );
    });
    const clicks = editor.onMouseDown(({ target }) => {
      const hit = target.position ? result.at(model.getOffsetAt(target.position)) : null;
      if (hit !== null) result.select(hit);
    });
    return () => {
      detach();
      changes.dispose();
      clicks.dispose();
      editor.setModel(null);
      model.dispose();
    };
  }, [monaco, editor, result, path]);

  useEffect(() => {
    const model = editor?.getModel();
    if (!editor || !monaco || !model) return;
    const marks = editor.createDecorationsCollection(
      hunks.map((state, index) => {
        const { start, end } = result.range(index);
        const { first, last } = result.marked(index);
        const from = model.getPositionAt(first).lineNumber;
        const to = model.getPositionAt(last).lineNumber;
        const kind = start === end ? 'merge-line-gap' : 'merge-line';
        const className = `${kind}-${state === 'open' ? 'open' : 'done'}${index === current ? ' merge-line-current' : ''}`;
        return { range: new monaco.Range(from, 1, to, 1), options: { isWholeLine: true, className } };
      }),
    );
    return () => marks.clear();
  }, [editor, monaco, result, hunks, current]);

  useEffect(() => {
    const model = editor?.getModel();
    if (!editor || !model || result.conflicts.length === 0) return;
    editor.revealLineInCenterIfOutsideViewport(model.getPositionAt(result.range(current).start).lineNumber);
  }, [editor, result, current]);

  if (problem) return <Failure title="The editor could not be loaded">{problem}</Failure>;
  return <div ref={host} className="h-full" data-testid="merged" />;
}
