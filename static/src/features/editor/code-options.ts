/** How every editor of the page looks and behaves. */
import { codeFont } from '@/lib/code-font';
import type { MonacoApi } from './monaco-loader';

type Options = NonNullable<Parameters<MonacoApi['editor']['create']>[1]>;

export function codeOptions(): Options {
  return {
    model: null,
    automaticLayout: true,
    fontFamily: codeFont(),
    fontSize: 13,
    lineHeight: 20,
    fontLigatures: false,
    minimap: { enabled: false },
    scrollBeyondLastLine: false,
    smoothScrolling: false,
    renderFinalNewline: 'on',
    renderLineHighlight: 'line',
    padding: { top: 8, bottom: 8 },
    tabSize: 4,
    bracketPairColorization: { enabled: false },
    overviewRulerBorder: false,
    fixedOverflowWidgets: true,
    stickyScroll: { enabled: false },
    // Names and text from a sandbox may try to deceive; Monaco marks such characters.
    unicodeHighlight: { ambiguousCharacters: false, invisibleCharacters: true },
    links: false,
    hideCursorInOverviewRuler: true,
  };
}
