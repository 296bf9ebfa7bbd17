/** The history of a file, a folder or the whole workspace: its versions, what they changed, and the way back to them. */
'use client';

import { History, RotateCw } from 'lucide-react';
import { useState } from 'react';
import { messageOf } from '@/api/problem';
import { Button, IconButton } from '@/components/button';
import { Choice } from '@/components/choice';
import { FullDialog } from '@/components/full-dialog';
import { Empty, Failure, Loading, Spinner } from '@/components/states';
import type { Version } from '@/api/types';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { HistoryDetail } from './history-detail';
import { RestorePreview } from './restore-preview';
import { Timeline } from './timeline';
import { useVersions, type HistoryView, type VersionsQuery } from './use-versions';

interface HistoryDialogProps {
  /** Empty for the whole workspace. */
  path: string;
  initialView: HistoryView;
  onPath: (path: string) => void;
  onClose: () => void;
}

/** What stands beside the list. */
type Pane = 'version' | 'as_it_was';

export function HistoryDialog({ path, initialView, onPath, onClose }: HistoryDialogProps) {
  const { id, tree: store } = useWorkspace();
  const { tree } = useStore(store.state);
  const [view, setView] = useState<HistoryView>(initialView);
  const [pane, setPane] = useState<Pane>('version');
  const [chosen, setChosen] = useState<readonly Version[]>([]);
  const [at, setAt] = useState<string | null>(null);
  const file = path !== '' && (tree.items.get(path)?.kind ?? 'file') !== 'folder';
  const query = useVersions(id, path, !file, view);
  // What has come back is among the deleted no more.
  const listed = chosen.filter(({ id: version }) => query.versions.some((other) => other.id === version));
  // Whatever is newest is what most people come for.
  const selected = listed.length > 0 ? listed : query.versions.slice(0, 1);
  const name = path === '' ? 'the workspace' : `“${displayName(baseName(path))}”`;

  const select = (version: Version): void => {
    setChosen([version]);
    setAt(version.at);
  };
  const second = (version: Version): void =>
    setChosen(() => {
      const [first] = selected;
      // Only versions of one path can be compared.
      if (!first || first.id === version.id || first.path !== version.path) return [version];
      return [first, version];
    });
  const show = (next: HistoryView): void => {
    setView(next);
    setChosen([]);
    setPane('version');
  };

  return (
    <FullDialog
      title={`History of ${name}`}
      summary={path === '' ? null : displayName(path)}
      onClose={onClose}
      actions={
        <>
          {path === '' ? null : <Button onClick={() => onPath('')}>Whole workspace</Button>}
          <IconButton label="Read the history again" className="size-7" onClick={query.refetch}>
            <RotateCw />
          </IconButton>
        </>
      }
    >
      <div className="flex min-h-0 flex-1">
        <section aria-label="Versions" className="flex w-96 shrink-0 flex-col border-r">
          {file ? null : (
            <div className="border-b bg-bg p-2">
              <Choice
                label="What is listed"
                value={view}
                options={[
                  ['changes', 'All changes'],
                  ['deleted', 'Deleted'],
                ]}
                onChange={show}
              />
            </div>
          )}
          <div className="min-h-0 flex-1 overflow-auto">
            {query.status === 'pending' ? (
              <Loading>Reading the history…</Loading>
            ) : query.status === 'error' ? (
              <Failure
                title="The history could not be read"
                actions={<Button onClick={query.refetch}>Try again</Button>}
              >
                {messageOf(query.error)}
              </Failure>
            ) : query.versions.length === 0 ? (
              <Empty
                icon={<History aria-hidden />}
                title={view === 'deleted' ? 'Nothing is deleted' : 'No history yet'}
              >
                {view === 'deleted'
                  ? 'What is deleted here waits for as long as the history is kept.'
                  : 'Each save and each change by a program makes a version.'}
              </Empty>
            ) : (
              <>
                {query.behind === 'newer' ? (
                  <Behind query={query} onAgain={query.refetch}>
                    The history could not be read again.
                  </Behind>
                ) : null}
                <Timeline
                  label={view === 'deleted' ? 'Deleted files' : 'Versions'}
                  versions={query.versions}
                  selected={selected.map((version) => version.id)}
                  paths={!file}
                  onSelect={select}
                  {...(view === 'changes' ? { onSecond: second } : {})}
                />
                {query.behind === 'older' ? (
                  <Behind query={query} onAgain={query.fetchMore}>
                    Older versions could not be read.
                  </Behind>
                ) : query.more ? (
                  <div className="flex justify-center p-3">
                    <Button busy={query.fetchingMore} onClick={query.fetchMore}>
                      {query.fetchingMore ? <Spinner /> : null} Show older
                    </Button>
                  </div>
                ) : null}
              </>
            )}
          </div>
          {view === 'changes' ? (
            <p className="border-t bg-bg px-3 py-1.5 text-xs text-faint">
              Space, or Ctrl and a click, compares with a second version.
            </p>
          ) : null}
        </section>
        <section aria-label="Comparison" className="flex min-w-0 flex-1 flex-col">
          {view === 'changes' ? (
            <div className="border-b bg-bg p-2">
              <Choice
                label="What is shown"
                value={pane}
                options={[
                  ['version', 'This version'],
                  ['as_it_was', file ? 'The file as it was at a time' : 'All of it as it was at a time'],
                ]}
                onChange={setPane}
              />
            </div>
          ) : null}
          <div className="min-h-0 flex-1">
            {pane === 'as_it_was' ? (
              <RestorePreview path={path} at={at ?? selected[0]?.at ?? null} onAt={setAt} />
            ) : selected.length > 0 ? (
              <HistoryDetail
                versions={selected}
                deleted={view === 'deleted'}
                several={!file}
                onPath={onPath}
                onClose={onClose}
              />
            ) : null}
          </div>
        </section>
      </div>
    </FullDialog>
  );
}

interface BehindProps {
  query: VersionsQuery;
  onAgain: () => void;
  children: string;
}

/** What is listed is not all there is, and the way to the rest. */
function Behind({ query, onAgain, children }: BehindProps) {
  return (
    <div role="alert" className="flex items-center gap-2 border-b px-3 py-2 text-xs">
      <span className="flex-1 text-danger">
        {children} {messageOf(query.error)}
      </span>
      <Button busy={query.fetching} onClick={onAgain}>
        Try again
      </Button>
    </div>
  );
}
