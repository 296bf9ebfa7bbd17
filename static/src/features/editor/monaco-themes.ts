/** The editor's colours: one list of what is coloured, two palettes. */
import type * as Monaco from '../../../monaco/editor';

type Api = Pick<typeof Monaco, 'editor'>;

/** Colours by what they are for; six hexadecimal digits, eight with opacity. */
interface Palette {
  comment: string;
  keyword: string;
  string: string;
  escape: string;
  number: string;
  type: string;
  delimiter: string;
  background: string;
  text: string;
  lineNumber: string;
  activeLineNumber: string;
  currentLine: string;
  selection: string;
  accent: string;
  guide: string;
  activeGuide: string;
  raised: string;
  border: string;
  slider: string;
  inserted: string;
  removed: string;
}

const DARK: Palette = {
  comment: '7f8c98',
  keyword: 'c4a7f5',
  string: '9ed79a',
  escape: 'e6c07b',
  number: 'f0a97a',
  type: '7cc7e8',
  delimiter: 'a7afb9',
  background: '131619',
  text: 'e1e4e8',
  lineNumber: '7d8792',
  activeLineNumber: 'c9d0d8',
  currentLine: 'ffffff08',
  selection: '2dd4bf33',
  accent: '3fd0bd',
  guide: '23282e',
  activeGuide: '4a535d',
  raised: '1a1e23',
  border: '39414a',
  slider: 'ffffff1a',
  inserted: '4fd58a',
  removed: 'fb8080',
};

const LIGHT: Palette = {
  comment: '5f6b77',
  keyword: '7a3eb1',
  string: '1a6e37',
  escape: '8a5300',
  number: 'a8440c',
  type: '0b6085',
  delimiter: '4d5763',
  background: 'ffffff',
  text: '15191e',
  lineNumber: '6b7480',
  activeLineNumber: '15191e',
  currentLine: '15191e08',
  selection: '0f766e2b',
  accent: '0f766e',
  guide: 'e8ebee',
  activeGuide: 'b4bcc5',
  raised: 'ffffff',
  border: 'c6ccd3',
  slider: '15191e1a',
  inserted: '15803d',
  removed: 'b91c1c',
};

export function defineThemes({ editor }: Api): void {
  define(editor, 'carrel-dark', 'vs-dark', DARK);
  define(editor, 'carrel-light', 'vs', LIGHT);
}

function define(editor: Api['editor'], name: string, base: 'vs' | 'vs-dark', palette: Palette): void {
  const tokens: Record<string, string> = {
    keyword: palette.keyword,
    string: palette.string,
    'string.escape': palette.escape,
    number: palette.number,
    type: palette.type,
    delimiter: palette.delimiter,
    tag: palette.escape,
  };
  const colors: Record<string, string> = {
    'editor.background': palette.background,
    'editor.foreground': palette.text,
    'editorLineNumber.foreground': palette.lineNumber,
    'editorLineNumber.activeForeground': palette.activeLineNumber,
    'editor.lineHighlightBackground': palette.currentLine,
    'editor.lineHighlightBorder': '00000000',
    'editor.selectionBackground': palette.selection,
    'editorCursor.foreground': palette.accent,
    'editorIndentGuide.background1': palette.guide,
    'editorIndentGuide.activeBackground1': palette.activeGuide,
    'editorWidget.background': palette.raised,
    'editorWidget.border': palette.border,
    focusBorder: palette.accent,
    'minimap.background': palette.background,
    'scrollbarSlider.background': palette.slider,
    'diffEditor.insertedLineBackground': `${palette.inserted}1c`,
    'diffEditor.insertedTextBackground': `${palette.inserted}24`,
    'diffEditor.removedLineBackground': `${palette.removed}1c`,
    'diffEditor.removedTextBackground': `${palette.removed}24`,
    'diffEditor.diagonalFill': palette.guide,
  };
  editor.defineTheme(name, {
    base,
    inherit: true,
    rules: [
      { token: 'comment', foreground: palette.comment, fontStyle: 'italic' },
      ...Object.entries(tokens).map(([token, foreground]) => ({ token, foreground })),
    ],
    colors: Object.fromEntries(Object.entries(colors).map(([key, value]) => [key, `#${value}`])),
  });
}
