/** The files of the session: header with its buttons, then the tree or why there is none. */
'use client';

import {
  Download,
  FilePlus2,
  FolderPlus,
  FolderTree,
  FolderUp,
  PackageOpen,
  RotateCw,
  Search,
  Upload,
} from 'lucide-react';
import { useMemo, useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { Dropdown } from '@/components/menu';
import { Empty, Failure, Loading } from '@/components/states';
import { ImportDialog } from '@/features/upload/import-dialog';
import { UploadPanel } from '@/features/upload/upload-panel';
import { useFileDrop } from '@/features/upload/use-file-drop';
import { useUploadPicker } from '@/features/upload/use-upload-picker';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { useStore } from '@/lib/store';
import { cx } from '@/lib/cx';
import { downloadAll } from './downloads';
import { FileTree } from './file-tree';
import { ROOT, isFolder, type TreeModel } from './tree-model';
import { withUnkept } from './unkept';
import { WorkspaceUsage } from './workspace-usage';

/** A row in which the user types a name. */
export type Editing =
  { kind: 'create'; what: 'file' | 'folder'; folder: string } | { kind: 'rename'; path: string } | null;

export function TreePanel() {
  const { id, tree: store, services } = useWorkspace();
  const { tree: kept, status } = useStore(store.state);
  const unkept = useStore(services.unkept.state);
  const tree = useMemo(() => withUnkept(kept, unkept), [kept, unkept]);
  const [editing, setEditing] = useState<Editing>(null);
  const [folder, setFolder] = useState<string>(ROOT);
  const [importing, setImporting] = useState(false);
  const picker = useUploadPicker();
  const drop = useFileDrop({ folderAt: () => ROOT, onDrop: picker.drop });
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
        <IconButton label="Find in files (Ctrl+Shift+F)" onClick={() => services.showSearch()}>
          <Search />
        </IconButton>
        <IconButton label="New file" onClick={() => create('file')}>
          <FilePlus2 />
        </IconButton>
        <IconButton label="New folder" onClick={() => create('folder')}>
          <FolderPlus />
        </IconButton>
        <Dropdown
          trigger={
            <IconButton label="Upload, import, download">
              <Upload />
            </IconButton>
          }
          entries={[
            { label: 'Upload files…', icon: <Upload />, onSelect: () => picker.pick('files', folder) },
            { label: 'Upload a folder…', icon: <FolderUp />, onSelect: () => picker.pick('folder', folder) },
            { label: 'Import an archive…', icon: <PackageOpen />, onSelect: () => setImporting(true) },
            'line',
            {
              label: 'Download all as zip',
              icon: <Download />,
              disabled: kept.items.size === 0,
              onSelect: () => downloadAll(id),
            },
          ]}
        />
        <IconButton label="Read the files again" onClick={() => void store.load()}>
          <RotateCw />
        </IconButton>
      </header>
      <div
        {...(empty ? drop.props : {})}
        className={cx(
          'min-h-0 flex-1 overflow-auto',
          empty && drop.over !== null && 'ring-2 ring-accent ring-inset',
        )}
      >
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
            actions={
              <>
                <Button onClick={() => create('file')}>New file</Button>
                <Button onClick={() => picker.pick('files', ROOT)}>Upload…</Button>
              </>
            }
          >
            Make one here or from the terminal, or drop files here.
          </Empty>
        ) : (
          <FileTree
            tree={tree}
            unkept={unkept}
            editing={shown}
            onEditing={setEditing}
            onFolder={setFolder}
            picker={picker}
          />
        )}
      </div>
      {picker.inputs}
      <UploadPanel onChoose={picker.pickAgain} />
      <ImportDialog open={importing} folder={folder} onClose={() => setImporting(false)} />
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
