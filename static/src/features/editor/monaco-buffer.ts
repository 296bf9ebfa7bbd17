/** A Monaco model as the `TextBuffer` that saving and drafts work with. */
import { languageOf } from './languages';
import { loadMonaco, type MonacoApi, type TextModel } from './monaco-loader';
import { smallestEdit, type TextBuffer } from './text-buffer';

export class MonacoBuffer implements TextBuffer {
  constructor(
    private readonly monaco: MonacoApi,
    readonly model: TextModel,
  ) {}

  text(): string {
    return this.model.getValue(undefined, true);
  }

  version(): number {
    return this.model.getAlternativeVersionId();
  }

  replace(text: string): void {
    const now = text.replace(/^\ufeff/, '');
    const lf = !now.includes('\r\n');
    // A file whose line ends were converted outside must not get the old ones back at the next save.
    if (lf !== (this.model.getEOL() === '\n')) this.model.setEOL(lf ? 0 : 1);
    const old = this.model.getValue();
    if (old === now) return;
    const { start, endOld, text: insert } = smallestEdit(old, now);
    const from = this.model.getPositionAt(start);
    const to = this.model.getPositionAt(endOld);
    const range = new this.monaco.Range(from.lineNumber, from.column, to.lineNumber, to.column);
    this.model.pushStackElement();
    this.model.pushEditOperations(null, [{ range, text: insert, forceMoveMarkers: false }], () => null);
    this.model.pushStackElement();
  }

  onChange(listener: () => void): () => void {
    const subscription = this.model.onDidChangeContent(listener);
    return () => subscription.dispose();
  }

  dispose(): void {
    this.model.dispose();
  }
}

export async function createMonacoBuffer(path: string, text: string): Promise<MonacoBuffer> {
  const monaco = await loadMonaco();
  return new MonacoBuffer(monaco, createModel(monaco, path, text));
}

/** A text in the colours of its language. */
export function createModel(monaco: MonacoApi, path: string, text: string): TextModel {
  const model = monaco.editor.createModel(text, languageOf(path));
  model.updateOptions({
    bracketColorizationOptions: { enabled: false, independentColorPoolPerBracketType: false },
  });
  return model;
}
