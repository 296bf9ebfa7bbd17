/** Two texts compared, with threads under their lines. One file of one comparison: another is another component. */
'use client';

import {
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
  type Ref,
} from 'react';
import { createPortal } from 'react-dom';
import type { Lines } from '@/api/types';
import { EditorFrame } from '@/features/editor/editor-frame';
import { createModel } from '@/features/editor/monaco-buffer';
import type { CodeEditor, MonacoApi } from '@/features/editor/monaco-loader';
import { codeOptions } from '@/features/editor/monaco-options';
import { useMonaco } from '@/features/editor/use-monaco';
import { besideModified, type LineChange } from './lines';
import type { Pane } from './placing';
import { ThreadZone } from './thread-zone';
import { selectedLines, useLineMarks } from './use-line-marks';

export interface Zone {
  key: string;
  pane: Pane;
  lines: Lines;
  content: ReactNode;
}

export interface CodeDiffHandle {
  /** What is selected, in the text that was last pointed at. */
  selected: () => { pane: Pane; lines: Lines };
  reveal: (pane: Pane, line: number) => void;
}

interface CodeDiffProps {
  path: string;
  before: string;
  after: string;
  beside: boolean;
  hideUnchanged: boolean;
  zones: readonly Zone[];
  onComment: ((pane: Pane, lines: Lines) => void) | null;
  handle: Ref<CodeDiffHandle>;
}

type DiffEditor = ReturnType<MonacoApi['editor']['createDiffEditor']>;

export function CodeDiff(props: CodeDiffProps) {
  const { path, before, after, beside, hideUnchanged, zones, onComment, handle } = props;
  const host = useRef<HTMLDivElement>(null);
  const { monaco, problem } = useMonaco();
  const [editor, setEditor] = useState<DiffEditor | null>(null);
  const [changes, setChanges] = useState<readonly LineChange[]>([]);
  const lastPane = useRef<Pane>('modified');
  /** Where to look once the comparison is there. */
  const awaited = useRef<{ pane: Pane; line: number } | null>(null);

  useEffect(() => {
    if (!monaco || !host.current) return;
    const created = monaco.editor.createDiffEditor(host.current, {
      ...codeOptions(),
      readOnly: true,
      domReadOnly: true,
      originalEditable: false,
      glyphMargin: true,
      renderOverviewRuler: false,
      renderGutterMenu: false,
      // The user says which; a narrow window does not.
      useInlineViewWhenSpaceIsLimited: false,
    });
    const model = { original: createModel(monaco, path, before), modified: createModel(monaco, path, after) };
    const view = created.createViewModel(model);
    created.setModel(view);
    const watches = [
      created.getOriginalEditor().onDidFocusEditorWidget(() => (lastPane.current = 'original')),
      created.getModifiedEditor().onDidFocusEditorWidget(() => (lastPane.current = 'modified')),
      created.onDidUpdateDiff(() => setChanges(created.getLineChanges() ?? [])),
    ];
    let first = true;
    watches.push(
      created.onDidUpdateDiff(() => {
        if (first && awaited.current === null) created.revealFirstDiff();
        first = false;
      }),
    );
    setEditor(created);
    return () => {
      for (const watch of watches) watch.dispose();
      setEditor(null);
      created.setModel(null);
      // Before the texts: a comparison that is under way is called off, instead of failing for want of them.
      view.dispose();
      model.original.dispose();
      model.modified.dispose();
      created.dispose();
    };
  }, [monaco, path, before, after]);

  useEffect(() => {
    editor?.updateOptions({ renderSideBySide: beside, hideUnchangedRegions: { enabled: hideUnchanged } });
    // Each change of the options takes the names of the two sides away.
    editor?.getOriginalEditor().updateOptions({ ariaLabel: 'The older text' });
    editor?.getModifiedEditor().updateOptions({ ariaLabel: 'The newer text' });
  }, [editor, beside, hideUnchanged]);

  useImperativeHandle(handle, () => {
    const reveal = (pane: Pane, line: number): void => {
      awaited.current = { pane, line };
      if (!editor) return;
      const code = pane === 'original' && beside ? editor.getOriginalEditor() : editor.getModifiedEditor();
      code.revealLineNearTop(Math.max(1, line));
    };
    return {
      reveal,
      selected: () => {
        const pane = beside ? lastPane.current : 'modified';
        const code = pane === 'original' ? editor?.getOriginalEditor() : editor?.getModifiedEditor();
        return { pane, lines: code ? selectedLines(code) : { start: 1, end: 1 } };
      },
    };
  }, [editor, beside]);

  useEffect(() => {
    const at = awaited.current;
    if (!editor || !at) return;
    const code = at.pane === 'original' && beside ? editor.getOriginalEditor() : editor.getModifiedEditor();
    code.revealLineNearTop(Math.max(1, at.line));
    // Only when the editor is there; later it is told directly.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [editor]);

  const marks = useMemo(
    () => ({
      original: zones.filter(({ pane }) => pane === 'original').map(({ lines }) => lines),
      modified: zones.filter(({ pane }) => pane === 'modified').map(({ lines }) => lines),
    }),
    [zones],
  );
  const original = editor?.getOriginalEditor() ?? null;
  const modified = editor?.getModifiedEditor() ?? null;
  useLineMarks(monaco, original, marks.original, onComment ? (lines) => onComment('original', lines) : null);
  useLineMarks(monaco, modified, marks.modified, onComment ? (lines) => onComment('modified', lines) : null);

  if (problem) {
    // What was said is there even where the texts cannot be drawn.
    return (
      <div className="flex h-full flex-col gap-2 overflow-auto p-3">
        <EditorFrame host={host} problem={problem} ready={false} testId="review-difference" />
        {zones.map(({ key, content }) => (
          <div key={key}>{content}</div>
        ))}
      </div>
    );
  }
  return (
    <div className="h-full" data-review-text>
      <EditorFrame host={host} problem={null} ready={editor !== null} testId="review-difference" />
      {original && modified
        ? zones.map(({ key, pane, lines, content }) => {
            const older = pane === 'original' && !beside;
            return (
              <InZone
                key={key}
                editor={pane === 'original' && beside ? original : modified}
                line={older ? besideModified(lines.end, changes) : lines.end}
              >
                {content}
              </InZone>
            );
          })
        : null}
    </div>
  );
}

function InZone({ editor, line, children }: { editor: CodeEditor; line: number; children: ReactNode }) {
  const [node, setNode] = useState<HTMLElement | null>(null);
  useLayoutEffect(() => {
    const zone = new ThreadZone(editor, line);
    setNode(zone.node);
    return () => {
      setNode(null);
      zone.dispose();
    };
  }, [editor, line]);
  return node
    ? createPortal(<div className="flex flex-col gap-2 py-2 font-sans">{children}</div>, node)
    : null;
}
