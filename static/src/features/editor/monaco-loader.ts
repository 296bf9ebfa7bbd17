/** Loads the prebuilt Monaco once, with its worker as a plain module the CSP allows. */
import type * as Monaco from '../../../monaco/editor';

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

function defineThemes({ editor }: MonacoApi): void {
  editor.defineTheme('carrel-dark', {
    base: 'vs-dark',
    inherit: true,
    rules: [
      { token: 'comment', foreground: '7f8c98', fontStyle: 'italic' },
      { token: 'keyword', foreground: 'c4a7f5' },
      { token: 'string', foreground: '9ed79a' },
      { token: 'string.escape', foreground: 'e6c07b' },
      { token: 'number', foreground: 'f0a97a' },
      { token: 'type', foreground: '7cc7e8' },
      { token: 'delimiter', foreground: 'a7afb9' },
      { token: 'tag', foreground: 'e6c07b' },
    ],
    colors: {
      'editor.background': '#131619',
      'editor.foreground': '#e1e4e8',
      'editorLineNumber.foreground': '#6f7984',
      'editorLineNumber.activeForeground': '#c9d0d8',
      'editor.lineHighlightBackground': '#ffffff08',
      'editor.lineHighlightBorder': '#00000000',
      'editor.selectionBackground': '#2dd4bf33',
      'editorCursor.foreground': '#3fd0bd',
      'editorIndentGuide.background1': '#23282e',
      'editorIndentGuide.activeBackground1': '#4a535d',
      'editorWidget.background': '#1a1e23',
      'editorWidget.border': '#39414a',
      focusBorder: '#3fd0bd',
      'minimap.background': '#131619',
      'scrollbarSlider.background': '#ffffff1a',
    },
  });
  editor.defineTheme('carrel-light', {
    base: 'vs',
    inherit: true,
    rules: [
      { token: 'comment', foreground: '5f6b77', fontStyle: 'italic' },
      { token: 'keyword', foreground: '7a3eb1' },
      { token: 'string', foreground: '1a6e37' },
      { token: 'string.escape', foreground: '8a5300' },
      { token: 'number', foreground: 'a8440c' },
      { token: 'type', foreground: '0b6085' },
      { token: 'delimiter', foreground: '4d5763' },
      { token: 'tag', foreground: '8a5300' },
    ],
    colors: {
      'editor.background': '#ffffff',
      'editor.foreground': '#15191e',
      'editorLineNumber.foreground': '#6b7480',
      'editorLineNumber.activeForeground': '#15191e',
      'editor.lineHighlightBackground': '#15191e08',
      'editor.lineHighlightBorder': '#00000000',
      'editor.selectionBackground': '#0f766e2b',
      'editorCursor.foreground': '#0f766e',
      'editorIndentGuide.background1': '#e8ebee',
      focusBorder: '#0f766e',
      'editorWidget.background': '#ffffff',
      'editorWidget.border': '#c6ccd3',
    },
  });
}
