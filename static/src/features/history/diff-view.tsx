/** Two texts beside each other or in one, their differences marked. */
'use client';

import { useEffect, useRef, useState } from 'react';
import { EditorFrame } from '@/features/editor/editor-frame';
import { createModel } from '@/features/editor/monaco-buffer';
import type { MonacoApi } from '@/features/editor/monaco-loader';
import { codeOptions } from '@/features/editor/monaco-options';
import { useMonaco } from '@/features/editor/use-monaco';

interface DiffViewProps {
  path: string;
  before: string;
  after: string;
  beside: boolean;
}

type DiffEditor = ReturnType<MonacoApi['editor']['createDiffEditor']>;

export function DiffView({ path, before, after, beside }: DiffViewProps) {
  const host = useRef<HTMLDivElement>(null);
  const { monaco, problem } = useMonaco();
  const [editor, setEditor] = useState<DiffEditor | null>(null);

  // Before the editor's own: what is set up last is not taken down first.
  useEffect(() => {
    if (!monaco || !editor) return;
    const model = { original: createModel(monaco, path, before), modified: createModel(monaco, path, after) };
    const view = editor.createViewModel(model);
    editor.setModel(view);
    return () => {
      editor.setModel(null);
      // Before the texts: a comparison that is under way is called off, instead of failing for want of them.
      view.dispose();
      model.original.dispose();
      model.modified.dispose();
    };
  }, [monaco, editor, path, before, after]);

  useEffect(() => {
    if (!monaco || !host.current) return;
    const created = monaco.editor.createDiffEditor(host.current, {
      ...codeOptions(),
      readOnly: true,
      domReadOnly: true,
      renderOverviewRuler: false,
      // The user says which; a narrow window does not.
      useInlineViewWhenSpaceIsLimited: false,
      hideUnchangedRegions: { enabled: true },
    });
    setEditor(created);
    return () => {
      created.dispose();
      setEditor(null);
    };
  }, [monaco]);

  useEffect(() => {
    editor?.updateOptions({ renderSideBySide: beside });
    // Each change of the options takes the names of the two sides away.
    editor?.getOriginalEditor().updateOptions({ ariaLabel: 'The older version' });
    editor?.getModifiedEditor().updateOptions({ ariaLabel: 'The newer version' });
  }, [editor, beside]);

  return <EditorFrame host={host} problem={problem} ready={editor !== null} testId="difference" />;
}
