/** Changes that are not of text: links, folders, modes, binary and large files. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { Download, FileQuestion, FileUp, Folder, Link2 } from 'lucide-react';
import { readRoundFile, roundFileUrl } from '@/api/reading';
import { Empty } from '@/components/states';
import { LARGEST_TEXT_BYTES } from '@/features/editor/file-text';
import { LARGEST_IMAGE_BYTES, imageType } from '@/features/viewer/file-kinds';
import { ImageView } from '@/features/viewer/image-view';
import { formatBytes } from '@/lib/format';
import { baseName as nameOf, displayName } from '@/lib/paths';
import type { ListedFile } from './changed-files';
import type { Shown } from './placing';
import { useReviewPage } from './review-context';
import { changeWords } from './review-words';
import { spotsOf, type Spot } from './use-file-pair';

type Entry = NonNullable<ListedFile['new']>;

/** A folder or a link, on either side. */
export function EntryChange({ file }: { file: ListedFile }) {
  const folder = (file.new ?? file.old)?.kind === 'folder';
  return (
    <Empty icon={folder ? <Folder aria-hidden /> : <Link2 aria-hidden />} title={wordsOf(file)}>
      <dl className="mt-2 grid grid-cols-[auto_auto] gap-x-4 gap-y-1 text-left">
        <dt>Before</dt>
        <dd>{entryWords(file.old)}</dd>
        <dt>Now</dt>
        <dd>{entryWords(file.new)}</dd>
      </dl>
    </Empty>
  );
}

function wordsOf(file: ListedFile): string {
  return file.status === 'unchanged' ? 'Unchanged' : changeWords({ ...file, status: file.status });
}

function entryWords(entry: Entry | null | undefined): string {
  if (!entry) return 'Nothing';
  switch (entry.kind) {
    case 'folder':
      return 'A folder';
    case 'symlink':
      return `A link to ${displayName(entry.target ?? '?')}`;
    case 'file':
      return `A file of ${formatBytes(entry.size)}`;
  }
}

interface BytesChangeProps {
  file: ListedFile;
  shown: Shown;
  why: 'binary' | 'large';
}

/** Files whose lines cannot be compared: their sizes, the pictures among them, and the files themselves. */
export function BytesChange({ file, shown, why }: BytesChangeProps) {
  const { old, now } = spotsOf(file, shown);
  const type = imageType(file.path);
  if (
    why === 'binary' &&
    type !== null &&
    Math.max(file.old?.size ?? 0, file.new?.size ?? 0) <= LARGEST_IMAGE_BYTES
  ) {
    return (
      <div className="flex h-full divide-x divide-line">
        <Picture title="Before" spot={old} type={type} />
        <Picture title="Now" spot={now} type={type} />
      </div>
    );
  }
  return (
    <Empty
      icon={why === 'large' ? <FileUp aria-hidden /> : <FileQuestion aria-hidden />}
      title={
        why === 'large'
          ? `Files of more than ${formatBytes(LARGEST_TEXT_BYTES)} are not compared`
          : 'This is not text, so there are no lines to compare'
      }
    >
      <dl className="mt-2 grid grid-cols-[auto_auto_auto] items-center gap-x-4 gap-y-1 text-left">
        <dt>Before</dt>
        <dd>{entryWords(file.old)}</dd>
        <dd>{old ? <DownloadLink spot={old} /> : null}</dd>
        <dt>Now</dt>
        <dd>{entryWords(file.new)}</dd>
        <dd>{now ? <DownloadLink spot={now} /> : null}</dd>
      </dl>
    </Empty>
  );
}

function DownloadLink({ spot }: { spot: Spot }) {
  const { review } = useReviewPage();
  return (
    <a
      href={roundFileUrl(review.id, spot.path, spot.round)}
      download={nameOf(spot.path)}
      className="inline-flex items-center gap-1 text-accent underline [&_svg]:size-3.5"
    >
      <Download aria-hidden /> Download
    </a>
  );
}

function Picture({ title, spot, type }: { title: string; spot: Spot | null; type: string }) {
  const { review } = useReviewPage();
  const content = useQuery({
    queryKey: ['review-bytes', review.id, spot?.round, spot?.path],
    queryFn: ({ signal }) => readRoundFile(review.id, spot?.path ?? '', spot?.round ?? 0, signal),
    enabled: spot !== null,
    staleTime: Infinity,
    gcTime: 0,
  });
  return (
    <section aria-label={title} className="flex min-w-0 flex-1 flex-col">
      <h3 className="border-b bg-bg px-3 py-1 text-xs font-semibold text-muted">{title}</h3>
      <div className="min-h-0 flex-1">
        {content.data ? (
          <ImageView
            bytes={content.data.bytes}
            type={type}
            name={displayName(spot?.path ?? '')}
            onSize={ignore}
          />
        ) : (
          <Empty
            title={spot === null ? 'Nothing' : content.isError ? 'It could not be loaded' : 'Loading…'}
          />
        )}
      </div>
    </section>
  );
}

function ignore(): void {
  // Its size is nobody's business here.
}
