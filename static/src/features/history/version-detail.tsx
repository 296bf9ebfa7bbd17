/** What one version was against the present, or two against each other. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { messageOf } from '@/api/problem';
import type { Version } from '@/api/types';
import { Button } from '@/components/button';
import { Empty, Failure, Loading } from '@/components/states';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { formatBytes } from '@/lib/format';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { readSide, type Content, type Side } from './compared';
import { DiffView } from './diff-view';

interface VersionDetailProps {
  /** The older one first; one alone is compared with the present. */
  versions: readonly [Version] | readonly [Version, Version];
  beside: boolean;
}

export function VersionDetail({ versions, beside }: VersionDetailProps) {
  const { id, tree: store } = useWorkspace();
  const { tree } = useStore(store.state);
  const [older, newer] = versions;
  const item = tree.items.get(older.path) ?? null;
  const after: Side = newer
    ? { kind: 'version', version: newer }
    : { kind: 'present', path: older.path, item };
  const contents = useQuery({
    queryKey: ['compared', id, older.id, newer?.id ?? item?.etag ?? 'none', older.path],
    queryFn: () =>
      Promise.all([readSide(id, { kind: 'version', version: older }), readSide(id, after)] as const),
    // A version never changes; of what is there now the tag does.
    staleTime: Infinity,
    gcTime: 60_000,
  });

  if (older.kind !== 'file') {
    return (
      <Empty title={displayName(baseName(older.path))}>
        {older.kind === 'folder' ? 'A folder.' : `A link to “${displayName(older.target ?? '')}”.`}
      </Empty>
    );
  }
  if (contents.isPending) return <Loading>Reading the versions…</Loading>;
  if (contents.isError) {
    return (
      <Failure
        title="The versions could not be read"
        actions={<Button onClick={() => void contents.refetch()}>Try again</Button>}
      >
        {messageOf(contents.error)}
      </Failure>
    );
  }
  const [before, now] = contents.data;
  if (isText(before) && isText(now)) {
    return <DiffView path={older.path} before={textOf(before)} after={textOf(now)} beside={beside} />;
  }
  return (
    <div className="grid h-full grid-cols-2 divide-x divide-line overflow-auto">
      <Shown content={before} name={older.path} label="The older version" />
      <Shown content={now} name={older.path} label={newer ? 'The newer version' : 'What is there now'} />
    </div>
  );
}

type TextLike = Extract<Content, { kind: 'text' | 'none' }>;

/** Nothing compares like an empty text. */
function isText(content: Content): content is TextLike {
  return content.kind === 'text' || content.kind === 'none';
}

function textOf(content: TextLike): string {
  return content.kind === 'text' ? content.text : '';
}

function Shown({ content, name, label }: { content: Content; name: string; label: string }) {
  return (
    <section aria-label={label} className="flex min-w-0 flex-col items-center gap-3 p-6">
      <h4 className="text-xs font-semibold text-muted">{label}</h4>
      {content.kind === 'none' ? (
        <p className="text-muted">Nothing is there.</p>
      ) : content.kind === 'text' ? (
        <pre className="w-full overflow-auto font-mono text-xs">{content.text}</pre>
      ) : (
        <>
          {content.kind === 'image' ? (
            <img
              src={content.url}
              alt={`${label} of ${displayName(baseName(name))}`}
              className="max-h-[60vh] max-w-full rounded border bg-sunken object-contain"
            />
          ) : (
            <p className="text-muted">
              {content.kind === 'large'
                ? 'Too large to be compared here.'
                : 'Not text, so only its size can be told.'}
            </p>
          )}
          <a
            href={content.url}
            download={baseName(name)}
            className="inline-flex h-7 items-center gap-1.5 rounded-md border border-line-strong bg-raised px-2.5 hover:bg-hover"
          >
            <Download aria-hidden className="size-3.5" /> Download ({formatBytes(content.size)})
          </a>
        </>
      )}
    </section>
  );
}
