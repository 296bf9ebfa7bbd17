/** The files of the session: header with its buttons, then the tree or why there is none. */
'use client';

import { FilePlus2, FolderPlus, FolderTree, RotateCw } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { Empty, Failure, Loading } from '@/components/states';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { useStore } from '@/lib/store';
import { FileTree } from './file-tree';
import { ROOT, isFolder, type TreeModel } from './tree-model';
import { withUnkept } from './unkept';
import { WorkspaceUsage } from './workspace-usage';

/** A row in which the user types a name. */
export type Editing =
  { kind: 'create'; what: 'file' | 'folder'; folder: string } | { kind: 'rename'; path: string } | null;

export function TreePanel() {
  const { tree: store, unkept: marks } = useWorkspace();
  const { tree: kept, status } = useStore(store.state);
  const unkept = useStore(marks.state);
  const tree = useMemo(() => withUnkept(kept, unkept), [kept, unkept]);
  const [editing, setEditing] = useState<Editing>(null);
  const [folder, setFolder] = useState<string>(ROOT);
  const create = (what: 'file' | 'folder'): void => setEditing({ kind: 'create', what, folder });
  const shown = withinTree(editing, tree);
  const empty = tree.items.size === 0 && shown === null;

  return (
    <section aria-label="Files" className="flex h-full min-h-0 flex-col bg-bg">
      <header className="flex h-9 shrink-0 items-center gap-0.5 border-b pr-1.5 pl-3">
        <h2 className="flex-1 text-xs font-semibold text-muted">Files</h2>
        <span role="status" className="text-2xs text-warn">
          {status.kind === 'ready' && status.stale ? 'Not up to date' : null}
        </span>
        <IconButton label="New file" onClick={() => create('file')}>
          <FilePlus2 />
        </IconButton>
        <IconButton label="New folder" onClick={() => create('folder')}>
          <FolderPlus />
        </IconButton>
        <IconButton label="Read the files again" onClick={() => void store.load()}>
          <RotateCw />
        </IconButton>
      </header>
      <div className="min-h-0 flex-1 overflow-auto">
        {status.kind === 'loading' ? (
          <Loading>Reading files…</Loading>
        ) : status.kind === 'failed' ? (
          <Failure
            title="The files could not be read"
            actions={<Button onClick={() => void store.load()}>Try again</Button>}
          >
            {status.message}
          </Failure>
        ) : empty ? (
          <Empty
            icon={<FolderTree aria-hidden />}
            title="No files yet"
            actions={<Button onClick={() => create('file')}>New file</Button>}
          >
            Make one here, or from the terminal.
          </Empty>
        ) : (
          <FileTree tree={tree} unkept={unkept} editing={shown} onEditing={setEditing} onFolder={setFolder} />
        )}
      </div>
      {unkept.truncated ? (
        <p className="shrink-0 border-t px-3 py-1.5 text-2xs text-muted">
          More is not kept than is marked here.
        </p>
      ) : null}
      {status.kind === 'ready' ? <WorkspaceUsage /> : null}
    </section>
  );
}

/** Folders go while a name is typed, or just before: what was to be made in one of them is made in the root. */
function withinTree(editing: Editing, tree: TreeModel): Editing {
  if (editing?.kind === 'rename') return tree.items.has(editing.path) ? editing : null;
  return !editing || isFolder(tree, editing.folder) ? editing : { ...editing, folder: ROOT };
}
