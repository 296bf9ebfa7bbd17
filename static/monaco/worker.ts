/** Monaco's own worker: word completions, diffs and links away from the page's thread. */
import 'monaco-editor/editor/editor.worker';
