/** A Monaco editor in an element, made once Monaco is there and taken down with the component. */
'use client';

import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react';
import { createModel } from './monaco-buffer';
import type { CodeEditor, MonacoApi } from './monaco-loader';
import { codeOptions } from './monaco-options';
import { useMonaco } from './use-monaco';

type EditorOptions = NonNullable<Parameters<MonacoApi['editor']['create']>[1]>;

export interface Editor {
  monaco: MonacoApi | null;
  editor: CodeEditor | null;
  problem: string | null;
}

/**
 * `options` are those it begins with, besides the usual ones. It has no model: what gives it one does so in a layout
 * effect, which ends before the editor does.
 */
export function useEditor(host: RefObject<HTMLElement | null>, options: EditorOptions): Editor {
  const { monaco, problem } = useMonaco();
  const [editor, setEditor] = useState<CodeEditor | null>(null);
  const first = useRef(options);

  useEffect(() => {
    if (!monaco || !host.current) return;
    const created = monaco.editor.create(host.current, { ...codeOptions(), model: null, ...first.current });
    // The font may arrive after the first measurement.
    void document.fonts.ready.then(() => monaco.editor.remeasureFonts());
    setEditor(created);
    return () => {
      created.dispose();
      setEditor(null);
    };
  }, [monaco, host]);

  return { monaco, editor, problem };
}

/** Shows a text that nobody changes. */
export function useText({ monaco, editor }: Editor, path: string, text: string): void {
  useLayoutEffect(() => {
    if (!monaco || !editor) return;
    const model = createModel(monaco, path, text);
    editor.setModel(model);
    return () => {
      editor.setModel(null);
      model.dispose();
    };
  }, [monaco, editor, path, text]);
}
