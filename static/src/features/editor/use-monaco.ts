/** Monaco once it is loaded, in the colours of the page. */
'use client';

import { useEffect, useState } from 'react';
import { messageOf } from '@/api/problem';
import { useTheme } from '@/components/theme';
import { loadMonaco, type MonacoApi } from './monaco-loader';

export function useMonaco(): { monaco: MonacoApi | null; problem: string | null } {
  const [monaco, setMonaco] = useState<MonacoApi | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { theme } = useTheme();

  useEffect(() => {
    let mounted = true;
    loadMonaco().then(
      (api) => mounted && setMonaco(() => api),
      (error: unknown) => mounted && setProblem(messageOf(error)),
    );
    return () => {
      mounted = false;
    };
  }, []);

  useEffect(() => {
    monaco?.editor.setTheme(theme === 'dark' ? 'carrel-dark' : 'carrel-light');
  }, [monaco, theme]);

  return { monaco, problem };
}
