/** In an editor of a comparison: the lines something was said of, and a "+" at the line pointed at, for saying more. */
'use client';

import { useEffect, useRef } from 'react';
import type { Lines } from '@/api/types';
import type { CodeEditor, MonacoApi } from '@/features/editor/monaco-loader';

/** The lines of a selection; one that ends where a line begins does not have that line. */
export function selectedLines(editor: CodeEditor): Lines {
  const selection = editor.getSelection();
  if (!selection) return { start: 1, end: 1 };
  const { startLineNumber: start, endLineNumber: last, endColumn } = selection;
  return { start, end: last > start && endColumn === 1 ? last - 1 : last };
}

export function useLineMarks(
  monaco: MonacoApi | null,
  editor: CodeEditor | null,
  marked: readonly Lines[],
  onComment: ((lines: Lines) => void) | null,
): void {
  const comment = useRef(onComment);
  comment.current = onComment;
  const able = onComment !== null;

  useEffect(() => {
    if (!monaco || !editor) return;
    const marks = editor.createDecorationsCollection(
      marked.map(({ start, end }) => ({
        range: new monaco.Range(start, 1, end, 1),
        options: { isWholeLine: true, linesDecorationsClassName: 'review-lines-edge' },
      })),
    );
    return () => marks.clear();
  }, [monaco, editor, marked]);

  useEffect(() => {
    if (!monaco || !editor || !able) return;
    const plus = editor.createDecorationsCollection();
    const { MouseTargetType } = monaco.editor;
    const inGutter: readonly number[] = [
      MouseTargetType.GUTTER_GLYPH_MARGIN,
      MouseTargetType.GUTTER_LINE_NUMBERS,
      MouseTargetType.GUTTER_LINE_DECORATIONS,
    ];
    const watches = [
      editor.onMouseMove(({ target }) => {
        const line = target.position?.lineNumber;
        const shown =
          line !== undefined &&
          (inGutter.includes(target.type) ||
            target.type === MouseTargetType.CONTENT_TEXT ||
            target.type === MouseTargetType.CONTENT_EMPTY);
        plus.set(
          shown
            ? [
                {
                  range: new monaco.Range(line, 1, line, 1),
                  options: {
                    glyphMarginClassName: 'review-plus',
                    glyphMarginHoverMessage: { value: 'Comment on this line (c)' },
                  },
                },
              ]
            : [],
        );
      }),
      editor.onMouseLeave(() => plus.clear()),
      editor.onMouseDown(({ target }) => {
        const line = target.position?.lineNumber;
        if (line === undefined || target.type !== MouseTargetType.GUTTER_GLYPH_MARGIN) return;
        const selected = selectedLines(editor);
        const within = line >= selected.start && line <= selected.end;
        comment.current?.(within ? selected : { start: line, end: line });
      }),
    ];
    return () => {
      plus.clear();
      for (const watch of watches) watch.dispose();
    };
  }, [monaco, editor, able]);
}
