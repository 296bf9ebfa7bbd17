/**
 * The tree itself. Arrows move, Enter opens, F2 renames, Delete deletes, N and Shift+N create;
 * the same from the context menu.
 */
'use client';

import {
  FilePlus2,
  FolderPlus,
  Download,
  History,
  PencilLine,
  Trash2,
  Copy,
  SquareArrowOutUpRight,
} from 'lucide-react';
import { Fragment, useEffect, useState, type FocusEvent, type KeyboardEvent, type MouseEvent } from 'react';
import { fileUrl } from '@/api/files';
import { ContextMenu, type MenuEntry } from '@/components/menu';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { baseName, joinPath, parentOf } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { rowPath } from './keyboard-focus';
import { NameRow } from './name-row';
import { ROOT, isFolder, type TreeModel } from './tree-model';
import type { Editing } from './tree-panel';
import { TreeRow } from './tree-row';
import { useFileTree } from './use-file-tree';
import { useTreeCommands } from './use-tree-commands';

interface FileTreeProps {
  tree: TreeModel;
  editing: Editing;
  onEditing: (editing: Editing) => void;
  /** Where a new item would go, after the focus has moved. */
  onFolder: (folder: string) => void;
}

export function FileTree({ tree, editing, onEditing, onFolder }: FileTreeProps) {
  const workspace = useWorkspace();
  const commands = useTreeCommands();
  const toast = useToast();
  const { active } = useStore(workspace.files.tabs);
  const [target, setTarget] = useState<string>(ROOT);
  /** A path that takes the focus once it is in the tree. */
  const [awaited, setAwaited] = useState<string | null>(null);
  const instance = useFileTree({
    tree,
    session: workspace.id,
    onOpen: (path) => workspace.open(path, false),
    onMove: (path, folder) =>
      void commands.move(path, folder).then((problem) => problem && toast(problem, 'danger')),
  });
  const focused = instance.getState().focusedItem;
  const folderOf = (path: string): string => (isFolder(tree, path) ? path : parentOf(path));

  useEffect(() => {
    onFolder(focused !== null && tree.items.has(focused) ? folderOf(focused) : ROOT);
    // `folderOf` only reads `tree`.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [focused, tree, onFolder]);

  useEffect(() => {
    if (editing?.kind === 'create' && editing.folder !== ROOT)
      instance.getItemInstance(editing.folder).expand();
    // Only when editing begins.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [editing]);

  useEffect(() => {
    if (awaited === null || !tree.items.has(awaited)) return;
    setAwaited(null);
    // The user may have gone on to another row, the editor or a terminal while the server answered.
    if (document.activeElement !== document.body) return;
    instance.getItemInstance(awaited).setFocused();
    instance.updateDomFocus();
  }, [awaited, tree, instance]);

  const create = (what: 'file' | 'folder', near: string): void =>
    onEditing({ kind: 'create', what, folder: near === ROOT ? ROOT : folderOf(near) });

  const remove = (path: string): void =>
    void commands.remove(path).then((removed) => removed && instance.updateDomFocus());

  const endEditing = (): void => {
    onEditing(null);
    instance.updateDomFocus();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    // A key is about the row it was pressed on, which is the one the user sees focused; about nothing else.
    const path = rowPath(event.target);
    if (path === null || !tree.items.has(path)) return;
    if (event.key === 'Enter' && isFolder(tree, path)) {
      const item = instance.getItemInstance(path);
      if (item.isExpanded()) item.collapse();
      else item.expand();
    } else if (event.key === 'Enter') workspace.open(path, true);
    else if (event.key === ' ' && !isFolder(tree, path)) workspace.open(path, false);
    else if (event.key === 'F2') onEditing({ kind: 'rename', path });
    else if (event.key === 'Delete') remove(path);
    else if (event.key === 'n') create('file', path);
    else if (event.key === 'N') create('folder', path);
    else return;
    event.preventDefault();
  };

  const onContextMenu = (event: MouseEvent): void => {
    setTarget(rowPath(event.target) ?? ROOT);
  };

  /** However the focus came to a row (mouse, Tab, a screen reader), the tree takes it from there. */
  const onFocus = (event: FocusEvent): void => {
    const path = rowPath(event.target);
    if (path !== null && path !== instance.getState().focusedItem)
      instance.getItemInstance(path).setFocused();
  };

  /** Not every browser focuses a draggable row that is clicked. */
  const onClick = (event: MouseEvent): void => {
    const row = event.target instanceof Element ? event.target.closest('[data-path]') : null;
    if (row instanceof HTMLElement) row.focus();
  };

  const onSubmit = async (name: string): Promise<string | null> => {
    if (!editing) return null;
    const problem =
      editing.kind === 'create'
        ? await commands.create(editing.what, editing.folder, name)
        : await commands.rename(editing.path, name);
    if (problem === null) {
      onEditing(null);
      // A new file takes the keyboard into the editor instead.
      if (editing.kind === 'rename') setAwaited(joinPath(parentOf(editing.path), name));
      else if (editing.what === 'folder') setAwaited(joinPath(editing.folder, name));
    }
    return problem;
  };

  const nameRow = (level: number) =>
    editing ? (
      <NameRow
        key="name"
        level={level}
        kind={editing.kind === 'create' ? editing.what : (tree.items.get(editing.path)?.kind ?? 'file')}
        initial={editing.kind === 'create' ? '' : baseName(editing.path)}
        label={editing.kind === 'create' ? `Name of the new ${editing.what}` : 'New name'}
        submit={onSubmit}
        onCancel={endEditing}
      />
    ) : null;

  return (
    <ContextMenu entries={menuFor(target)} keepFocus>
      <div className="min-h-full py-1" onContextMenu={onContextMenu}>
        {editing?.kind === 'create' && editing.folder === ROOT ? nameRow(0) : null}
        <div
          {...instance.getContainerProps('Files')}
          onKeyDown={onKeyDown}
          onFocus={onFocus}
          onClick={onClick}
          className="outline-none"
        >
          {instance.getItems().map((item) => {
            const path = item.getId();
            const level = item.getItemMeta().level;
            return (
              <Fragment key={path}>
                {editing?.kind === 'rename' && editing.path === path ? (
                  nameRow(level)
                ) : (
                  <TreeRow item={item} data={tree.items.get(path)} open={path === active} />
                )}
                {editing?.kind === 'create' && editing.folder === path ? nameRow(level + 1) : null}
              </Fragment>
            );
          })}
        </div>
      </div>
    </ContextMenu>
  );

  function menuFor(path: string): MenuEntry[] {
    const added: MenuEntry[] = [
      { label: 'New file', keys: 'N', icon: <FilePlus2 />, onSelect: () => create('file', path) },
      { label: 'New folder', keys: 'Shift N', icon: <FolderPlus />, onSelect: () => create('folder', path) },
    ];
    const history: MenuEntry = {
      label: 'History',
      icon: <History />,
      onSelect: () => workspace.overlay.set({ kind: 'history', path }),
    };
    if (path === ROOT) return [...added, 'line', history];
    const item = tree.items.get(path);
    const fileOnly: MenuEntry[] =
      item?.kind === 'folder'
        ? []
        : [
            {
              label: 'Open',
              keys: 'Enter',
              icon: <SquareArrowOutUpRight />,
              onSelect: () => workspace.open(path, true),
            },
            { label: 'Download', icon: <Download />, onSelect: () => download(workspace.id, path) },
          ];
    return [
      ...fileOnly,
      ...added,
      'line',
      history,
      {
        label: 'Copy path',
        icon: <Copy />,
        onSelect: () =>
          void navigator.clipboard
            .writeText(path)
            .catch(() => toast('The clipboard is not available.', 'danger')),
      },
      {
        label: 'Rename',
        keys: 'F2',
        icon: <PencilLine />,
        onSelect: () => onEditing({ kind: 'rename', path }),
      },
      {
        label: 'Delete',
        keys: 'Del',
        icon: <Trash2 />,
        danger: true,
        onSelect: () => remove(path),
      },
    ];
  }
}

function download(session: string, path: string): void {
  const link = document.createElement('a');
  link.href = fileUrl(session, path);
  link.download = baseName(path);
  link.click();
}
