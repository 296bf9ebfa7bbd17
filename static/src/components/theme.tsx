/** Light, dark, or as the system has it; remembered, and applied before the first paint by `theme-script`. */
'use client';

import { createContext, useCallback, useContext, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import { writeStored } from '@/lib/storage';
import { THEME_KEY } from './theme-script';

export type Theme = 'light' | 'dark';

interface ThemeValue {
  theme: Theme;
  toggle: () => void;
}

const ThemeContext = createContext<ThemeValue>({ theme: 'light', toggle: () => undefined });

export function useTheme(): ThemeValue {
  return useContext(ThemeContext);
}

function current(): Theme {
  return document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light';
}

function watch(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const follow = (): void => {
    if (window.localStorage.getItem(THEME_KEY) === null) {
      document.documentElement.dataset['theme'] = system.matches ? 'dark' : 'light';
    }
  };
  system.addEventListener('change', follow);
  return () => {
    observer.disconnect();
    system.removeEventListener('change', follow);
  };
}

export function ThemeProvider({ children }: { children: ReactNode }) {
  const theme = useSyncExternalStore(watch, current, () => 'light' as const);
  const toggle = useCallback(() => {
    const next: Theme = current() === 'dark' ? 'light' : 'dark';
    writeStored(THEME_KEY, next);
    document.documentElement.dataset['theme'] = next;
  }, []);
  const value = useMemo(() => ({ theme, toggle }), [theme, toggle]);
  return <ThemeContext value={value}>{children}</ThemeContext>;
}
