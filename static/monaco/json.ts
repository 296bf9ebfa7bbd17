/** A small JSON grammar: Monaco ships JSON colours only together with a language server we do not need. */
import { languages } from 'monaco-editor/editor';

languages.register({ id: 'json', extensions: ['.json', '.jsonc', '.ipynb', '.geojson'], aliases: ['JSON'] });
languages.setLanguageConfiguration('json', {
  brackets: [
    ['{', '}'],
    ['[', ']'],
  ],
  autoClosingPairs: [
    { open: '{', close: '}' },
    { open: '[', close: ']' },
    { open: '"', close: '"', notIn: ['string'] },
  ],
});
languages.setMonarchTokensProvider('json', {
  tokenizer: {
    root: [
      [/[{}[\]]/, '@brackets'],
      [/"(?:[^"\\]|\\.)*"(?=\s*:)/, 'type'],
      [/"(?:[^"\\]|\\.)*"/, 'string'],
      [/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/, 'number'],
      [/\b(?:true|false|null)\b/, 'keyword'],
      [/\/\/.*$/, 'comment'],
      [/[,:]/, 'delimiter'],
    ],
  },
});
