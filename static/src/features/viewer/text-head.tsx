/** The beginning of a large text in Monaco, to be read only. */
'use client';

import { useRef } from 'react';
import { EditorFrame } from '@/features/editor/editor-frame';
import { useEditor, useText } from '@/features/editor/use-editor';

export function TextHead({ path, text }: { path: string; text: string }) {
  const host = useRef<HTMLDivElement>(null);
  const made = useEditor(host, {
    readOnly: true,
    domReadOnly: true,
    ariaLabel: 'Beginning of the file, read only',
  });
  useText(made, path, text);
  return <EditorFrame host={host} problem={made.problem} ready={made.editor !== null} testId="code" />;
}
