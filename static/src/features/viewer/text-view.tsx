/** A text file: in the editor, or as the table or picture it is. */
'use client';

import { useEffect, useMemo, useState } from 'react';
import { CodeView } from '@/features/editor/code-view';
import { encodeText } from '@/features/editor/file-text';
import type { OpenFile } from '@/features/editor/open-file';
import type { TextBuffer } from '@/features/editor/text-buffer';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { formatBytes } from '@/lib/format';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { imageType, modesOfText, type ViewMode } from './file-kinds';
import { ImageView } from './image-view';
import { TableView } from './table-view';
import { ViewerBar } from './viewer-bar';

/** How each open file was looked at last; goes with its file. */
const chosen = new WeakMap<OpenFile, ViewMode>();

/** What changes faster than this is drawn once in a while. */
const REDRAW_MS = 300;

export function TextView({ file }: { file: OpenFile }) {
  const { path } = useStore(file.state);
  const modes = modesOfText(path);
  const [first = 'text'] = modes;
  return first === 'text' ? <CodeView file={file} /> : <Switched key={path} file={file} path={path} />;
}

function Switched({ file, path }: { file: OpenFile; path: string }) {
  const { focusRequest, services } = useWorkspace();
  const request = useStore(focusRequest);
  const place = useStore(services.reveal);
  const modes = modesOfText(path);
  const [mode, setMode] = useState<ViewMode>(() => {
    // A file just made, or one with text of the user's own that is not saved, is there to be written in.
    const usual = file.unsaved || file.buffer?.text() === '' ? 'text' : (modes[0] ?? 'text');
    return chosen.get(file) ?? usual;
  });
  const [note, setNote] = useState('');
  const choose = (next: ViewMode): void => {
    chosen.set(file, next);
    setMode(next);
  };
  // What was chosen first stays, whatever becomes of the file.
  useEffect(() => {
    if (!chosen.has(file)) chosen.set(file, mode);
  }, [file, mode]);
  // Only the editor has places to go to.
  useEffect(() => {
    if (place?.path !== path) return;
    chosen.set(file, 'text');
    setMode('text');
  }, [place, path, file]);
  // Only an editor can take the keyboard; the table and the picture do not ask for it.
  useEffect(() => {
    if (request === path && mode !== 'text') focusRequest.set(null);
  }, [request, path, mode, focusRequest]);

  return (
    <div className="flex h-full min-h-0 flex-col">
      <ViewerBar path={path} modes={modes} mode={mode} onMode={choose}>
        {mode === 'text' ? '' : note}
      </ViewerBar>
      <div className="min-h-0 flex-1">
        {mode === 'text' || !file.buffer ? (
          <CodeView file={file} />
        ) : (
          <Preview buffer={file.buffer} path={path} onNote={setNote} />
        )}
      </div>
    </div>
  );
}

interface PreviewProps {
  buffer: TextBuffer;
  path: string;
  onNote: (note: string) => void;
}

function Preview({ buffer, path, onNote }: PreviewProps) {
  const text = useText(buffer);
  const type = imageType(path);
  const bytes = useMemo(() => (type === null ? null : encodeText(text)), [type, text]);
  useEffect(() => onNote(type === null ? 'The first line is the heading.' : ''), [type, onNote]);
  if (bytes === null || type === null) return <TableView path={path} text={text} />;
  return (
    <ImageView
      bytes={bytes}
      type={type}
      name={displayName(baseName(path))}
      onSize={({ width, height }) => onNote(`${width} × ${height} pixels · ${formatBytes(bytes.length)}`)}
    />
  );
}

/** The text of a buffer as it changes. */
function useText(buffer: TextBuffer): string {
  const [text, setText] = useState(() => buffer.text());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const take = (): void => {
      timer = null;
      setText(buffer.text());
    };
    take();
    const stop = buffer.onChange(() => (timer ??= setTimeout(take, REDRAW_MS)));
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
    };
  }, [buffer]);
  return text;
}
