/** A file the editor does not take, as large or as no text: its picture, its beginning, or its first bytes. */
'use client';

import { useCallback, useState } from 'react';
import { readFile, readHead, type FileHead } from '@/api/files';
import { Button } from '@/components/button';
import { Failure, Loading } from '@/components/states';
import type { Phase } from '@/features/editor/file-state';
import { LARGEST_TEXT_BYTES } from '@/features/editor/file-text';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { formatBytes } from '@/lib/format';
import { baseName, displayName } from '@/lib/paths';
import { LARGEST_IMAGE_BYTES, imageType, isTable, type ViewMode } from './file-kinds';
import { HEAD_BYTES, decodeHead } from './head-text';
import { HexView } from './hex-view';
import { ImageView } from './image-view';
import { TableView } from './table-view';
import { TextHead } from './text-head';
import { useLoaded } from './use-loaded';
import { ViewerBar } from './viewer-bar';

/** Bytes shown at first, and each time more is asked for. */
const HEX_BYTES = 8 * 1024;

/** More is better looked at in a terminal. */
const MOST_HEX_BYTES = 64 * 1024;

interface HeadViewProps {
  path: string;
  /** Anew whenever the file has changed. */
  phase: Extract<Phase, { kind: 'unsupported' }>;
}

interface Content extends FileHead {
  size: number;
  large: boolean;
}

export function HeadView({ path, phase }: HeadViewProps) {
  const { id } = useWorkspace();
  const read = useCallback(
    async (signal: AbortSignal): Promise<Content> => {
      const { size } = phase;
      const large = size > LARGEST_TEXT_BYTES;
      if (imageType(path) === null || size > LARGEST_IMAGE_BYTES) {
        return { ...(await readHead(id, path, HEAD_BYTES, signal)), size, large };
      }
      const { bytes } = await readFile(id, path, signal);
      return { bytes, whole: true, size: bytes.length, large };
    },
    [id, path, phase],
  );
  const [content, again] = useLoaded(read);
  switch (content.kind) {
    case 'loading':
      return <Loading>Reading {displayName(baseName(path))}…</Loading>;
    case 'failed':
      return (
        <Failure title="This file could not be read" actions={<Button onClick={again}>Try again</Button>}>
          {content.message}
        </Failure>
      );
    case 'ready':
      return <Shown path={path} content={content.value} />;
  }
}

function Shown({ path, content }: { path: string; content: Content }) {
  const { bytes, whole, size, large } = content;
  const type = whole ? imageType(path) : null;
  const text = type === null ? decodeHead(bytes, whole) : null;
  const modes = modesOf(path, type, text);
  const [wanted, setWanted] = useState<ViewMode | null>(null);
  const [pixels, setPixels] = useState('');
  const [hexBytes, setHexBytes] = useState(HEX_BYTES);
  const mode = wanted !== null && modes.includes(wanted) ? wanted : (modes[0] ?? 'bytes');
  const shown = Math.min(hexBytes, bytes.length);
  const name = displayName(baseName(path));

  const words = (): string => {
    if (mode === 'image') return [pixels, formatBytes(size)].filter(Boolean).join(' · ');
    const what = text === null ? 'Not text · ' : '';
    if (mode === 'bytes') return `${what}${formatBytes(size)}, the first ${formatBytes(shown)} are shown`;
    return `Too large to edit here · ${formatBytes(size)}, the first ${formatBytes(bytes.length)} are shown, read only`;
  };

  return (
    <div className="flex h-full min-h-0 flex-col" data-large={large || undefined}>
      <ViewerBar path={path} modes={modes} mode={mode} onMode={setWanted}>
        {words()}
        {mode === 'bytes' && shown < Math.min(bytes.length, MOST_HEX_BYTES) ? (
          <Button
            variant="ghost"
            className="ml-2 h-5 px-1.5 text-xs"
            onClick={() => setHexBytes((old) => Math.min(old + 2 * HEX_BYTES, MOST_HEX_BYTES))}
          >
            Show more
          </Button>
        ) : null}
      </ViewerBar>
      <div className="min-h-0 flex-1">
        {mode === 'image' && type !== null ? (
          <ImageView
            bytes={bytes}
            type={type}
            name={name}
            onSize={({ width, height }) => setPixels(`${width} × ${height} pixels`)}
          />
        ) : mode === 'table' && text !== null ? (
          <TableView path={path} text={text} whole={whole} />
        ) : mode === 'text' && text !== null ? (
          <TextHead path={path} text={text} />
        ) : (
          <HexView bytes={bytes.subarray(0, shown)} label={`First bytes of ${name}`} />
        )}
      </div>
    </div>
  );
}

function modesOf(path: string, type: string | null, text: string | null): readonly ViewMode[] {
  if (type !== null) return ['image', 'bytes'];
  if (text === null) return ['bytes'];
  return isTable(path) ? ['table', 'text', 'bytes'] : ['text', 'bytes'];
}
