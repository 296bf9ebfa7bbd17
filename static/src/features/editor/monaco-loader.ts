/** Loads the prebuilt Monaco once, with its worker as a plain module the CSP allows. */
import type * as Monaco from '../../../monaco/editor';
import { defineThemes } from './monaco-themes';

export type MonacoApi = typeof Monaco;
export type CodeEditor = ReturnType<MonacoApi['editor']['create']>;
export type TextModel = ReturnType<MonacoApi['editor']['createModel']>;

const BASE = '/vendor/monaco';

declare global {
  interface Window {
    MonacoEnvironment?: { getWorker: (id: string, label: string) => Worker };
  }
}

let loading: Promise<MonacoApi> | null = null;

/** Monaco; a failed load is tried again at the next call. */
export function loadMonaco(): Promise<MonacoApi> {
  loading ??= load().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function load(): Promise<MonacoApi> {
  window.MonacoEnvironment = {
    getWorker: (_id, label) => new Worker(`${BASE}/editor.worker.js`, { type: 'module', name: label }),
  };
  const [monaco] = await Promise.all([
    import(/* webpackIgnore: true */ /* @vite-ignore */ `${BASE}/monaco.js`) as Promise<MonacoApi>,
    stylesheet(`${BASE}/monaco.css`),
  ]);
  defineThemes(monaco);
  return monaco;
}

function stylesheet(href: string): Promise<void> {
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      reject(new Error('The editor could not be loaded.'));
    };
    document.head.append(link);
  });
}
