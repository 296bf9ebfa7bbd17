/** A file, a folder or everything as it was at a time: what going back would change, and the button that does. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { messageOf } from '@/api/problem';
import { fetchTreeAt } from '@/api/versions';
import { Button } from '@/components/button';
import { INPUT_CLASS } from '@/components/field';
import { Empty, Failure, Loading } from '@/components/states';
import { lostText } from '@/features/tree/tree-words';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { isSame, treeDifference, type TreeDifference } from './tree-difference';
import { useRestore } from './use-restore';
import { fromField, momentOf, toField } from './version-words';

/** Paths shown of each kind; the rest is counted. */
const MOST_SHOWN = 200;

interface RestorePreviewProps {
  /** Empty for the whole workspace. */
  path: string;
  /** As the server wrote it, or as the user typed it. */
  at: string | null;
  onAt: (at: string | null) => void;
}

export function RestorePreview({ path, at, onAt }: RestorePreviewProps) {
  const { id, tree: store } = useWorkspace();
  const { tree } = useStore(store.state);
  const field = useId();
  const past = useQuery({
    queryKey: ['tree-at', id, at],
    queryFn: ({ signal }) => fetchTreeAt(id, at ?? '', signal),
    enabled: at !== null,
    // What was then stays so.
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const difference = past.data ? treeDifference(past.data, tree.items, path) : null;
  const what = path === '' ? 'the whole workspace' : `“${displayName(baseName(path))}”`;

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-wrap items-center gap-3 border-b px-4 py-2">
        <label htmlFor={field}>As {what} was at</label>
        <input
          id={field}
          type="datetime-local"
          step={1}
          value={at === null ? '' : toField(at)}
          onChange={(event) => onAt(fromField(event.target.value))}
          className={cx(INPUT_CLASS, 'h-8 w-56! tabular-nums')}
        />
        <span className="text-xs text-faint">or choose a version in the list</span>
      </div>
      <div className="min-h-0 flex-1 overflow-auto">
        {at === null ? (
          <Empty title="Choose a time">
            What going back to it would change is shown here before anything is changed.
          </Empty>
        ) : past.isPending ? (
          <Loading>Comparing with what is there now…</Loading>
        ) : past.isError || difference === null ? (
          <Failure
            title="What was then could not be read"
            actions={<Button onClick={() => void past.refetch()}>Try again</Button>}
          >
            {messageOf(past.error)}
          </Failure>
        ) : isSame(difference) ? (
          <Empty title="Nothing would change">It is now as it was on {momentOf(at)}.</Empty>
        ) : (
          <Preview path={path} at={at} what={what} difference={difference} />
        )}
      </div>
    </div>
  );
}

interface PreviewProps {
  path: string;
  at: string;
  what: string;
  difference: TreeDifference;
}

function Preview({ path, at, what, difference }: PreviewProps) {
  const restore = useRestore();
  const { tree, services } = useWorkspace();
  const { added, changed, removed } = difference;
  const summary = `${added.length} added, ${changed.length} changed, ${removed.length} removed`;
  const go = (): void =>
    void restore(
      { path: path === '' ? null : path, at },
      {
        title: `Have ${what} as on ${momentOf(at)}?`,
        text: `${summary}. What is there now stays in the history, and this can be undone.${lostText(
          tree.tree,
          removed,
          services.unkept.state.get(),
        )}`,
        yes: 'Go back',
        danger: removed.length > 0,
      },
      path === '' ? 'The workspace is as it was' : `${what} is as it was`,
    );
  return (
    <div className="p-4">
      <div className="mb-4 flex items-center gap-4">
        <p role="status" className="flex-1 font-medium">
          {summary}
        </p>
        <Button variant="primary" onClick={go}>
          Go back to this…
        </Button>
      </div>
      <Paths title="Added again" paths={added} tone="text-ok" sign="+" />
      <Paths title="Changed" paths={changed} tone="text-warn" sign="~" />
      <Paths title="Removed" paths={removed} tone="text-danger" sign="−" />
    </div>
  );
}

function Paths(props: { title: string; paths: readonly string[]; tone: string; sign: string }) {
  const { title, paths, tone, sign } = props;
  if (paths.length === 0) return null;
  return (
    <section className="mb-4">
      <h4 className={cx('mb-1 text-xs font-semibold', tone)}>
        {title} ({paths.length})
      </h4>
      <ul aria-label={title} className="font-mono text-xs leading-5">
        {paths.slice(0, MOST_SHOWN).map((path) => (
          <li key={path} className="truncate">
            <span aria-hidden className={cx('inline-block w-4', tone)}>
              {sign}
            </span>
            {displayName(path)}
          </li>
        ))}
      </ul>
      {paths.length > MOST_SHOWN ? (
        <p className="text-xs text-faint">and {paths.length - MOST_SHOWN} more</p>
      ) : null}
    </section>
  );
}
