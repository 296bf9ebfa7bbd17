/** Monaco on the model of the file in front; each file remembers its cursor and scroll position. */
'use client';

import { useEffect, useLayoutEffect, useRef } from 'react';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { useStore } from '@/lib/store';
import { setCursor } from './cursor-store';
import { EditorFrame } from './editor-frame';
import { languageOf } from './languages';
import { MonacoBuffer } from './monaco-buffer';
import type { CodeEditor } from './monaco-loader';
import type { OpenFile } from './open-file';
import { useEditor } from './use-editor';

/** View states outlive the component, and go with their file. */
const viewStates = new WeakMap<OpenFile, NonNullable<ReturnType<CodeEditor['saveViewState']>>>();

export function CodeView({ file }: { file: OpenFile }) {
  const host = useRef<HTMLDivElement>(null);
  const { monaco, editor, problem } = useEditor(host, { ariaLabel: 'Code editor' });
  const { focusRequest, services } = useWorkspace();
  const request = useStore(focusRequest);
  const place = useStore(services.reveal);
  const { path } = useStore(file.state);

  useEffect(() => {
    if (!editor) return;
    const watch = editor.onDidChangeCursorPosition(({ position }) =>
      setCursor({ line: position.lineNumber, column: position.column }),
    );
    return () => {
      watch.dispose();
      setCursor(null);
    };
  }, [editor]);

  useLayoutEffect(() => {
    const buffer = file.buffer;
    if (!monaco || !editor || !(buffer instanceof MonacoBuffer)) return;
    monaco.editor.setModelLanguage(buffer.model, languageOf(path));
    editor.setModel(buffer.model);
    const state = viewStates.get(file);
    if (state) editor.restoreViewState(state);
    const position = editor.getPosition();
    if (position) setCursor({ line: position.lineNumber, column: position.column });
    return () => {
      const now = editor.saveViewState();
      if (now && editor.getModel() === buffer.model) viewStates.set(file, now);
    };
  }, [monaco, editor, file, path]);

  useEffect(() => {
    if (!editor || request !== path) return;
    editor.focus();
    focusRequest.set(null);
  }, [editor, path, request, focusRequest]);

  useEffect(() => {
    if (!editor || place?.path !== path || editor.getModel() === null) return;
    const { line, column, length } = place;
    const range = {
      startLineNumber: line,
      startColumn: column,
      endLineNumber: line,
      endColumn: column + length,
    };
    editor.setSelection(range);
    editor.revealRangeInCenterIfOutsideViewport(range);
    services.reveal.set(null);
  }, [editor, path, place, services]);

  return <EditorFrame host={host} problem={problem} ready={editor !== null} testId="code" />;
}
