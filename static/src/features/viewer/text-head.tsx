/** The beginning of a large text in Monaco, to be read only. */
'use client';

import { useEffect, useRef, useState } from 'react';
import { messageOf } from '@/api/problem';
import { Failure, Loading } from '@/components/states';
import { useTheme } from '@/components/theme';
import { codeOptions } from '@/features/editor/monaco-options';
import { languageOf } from '@/features/editor/languages';
import { loadMonaco } from '@/features/editor/monaco-loader';

export function TextHead({ path, text }: { path: string; text: string }) {
  const host = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<'loading' | 'ready' | { problem: string }>('loading');
  const { theme } = useTheme();

  useEffect(() => {
    let stop: (() => void) | null = null;
    let left = false;
    loadMonaco().then(
      (monaco) => {
        if (left || !host.current) return;
        const model = monaco.editor.createModel(text, languageOf(path));
        const editor = monaco.editor.create(host.current, {
          ...codeOptions(),
          model,
          readOnly: true,
          domReadOnly: true,
          ariaLabel: 'Beginning of the file, read only',
        });
        monaco.editor.setTheme(theme === 'dark' ? 'carrel-dark' : 'carrel-light');
        stop = () => {
          editor.dispose();
          model.dispose();
        };
        setState('ready');
      },
      (error: unknown) => !left && setState({ problem: messageOf(error) }),
    );
    return () => {
      left = true;
      stop?.();
    };
  }, [path, text, theme]);

  if (typeof state === 'object') {
    return <Failure title="The editor could not be loaded">{state.problem}</Failure>;
  }
  return (
    <div className="relative h-full">
      {state === 'loading' ? (
        <div className="absolute inset-0">
          <Loading>Loading the editor…</Loading>
        </div>
      ) : null}
      <div ref={host} className="h-full" data-testid="code" />
    </div>
  );
}
