/** How code looks wherever the page shows some. */
import { codeFont } from '@/lib/code-font';

/** Options of an editor, and of both sides of a difference. */
export function codeOptions() {
  return {
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
  } as const;
}
