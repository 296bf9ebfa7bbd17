/**
 * The tree itself. Arrows move, with Shift they select; Enter opens, F2 renames, Delete deletes, N and Shift+N create,
 * Ctrl+X, C and V move and copy; the same from the context menu, and by dragging.
 */
'use client';

import type { TreeInstance } from '@headless-tree/core';
import { Fragment, useEffect, useMemo, useRef, useState, type FocusEvent, type MouseEvent } from 'react';
import type { Item } from '@/api/types';
import { ContextMenu } from '@/components/menu';
import { useToast } from '@/components/toasts';
import { useFileDrop } from '@/features/upload/use-file-drop';
import type { UploadPicker } from '@/features/upload/use-upload-picker';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { baseName, joinPath, movedPath, parentOf } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { download } from './downloads';
import { rowPath } from './keyboard-focus';
import { NameRow } from './name-row';
import { treeMenu } from './tree-menu';
import { ROOT, isFolder, type TreeModel } from './tree-model';
import type { Editing } from './tree-panel';
import { TreeRow } from './tree-row';
import { concerned } from './tree-selection';
import { hasPath, markText, type Unkept } from './unkept';
import { useFileTree } from './use-file-tree';
import { useRowKeys } from './use-row-keys';
import { useTreeClipboard } from './use-tree-clipboard';
import { useTreeCommands, type Moved } from './use-tree-commands';
import { useTreeSelection } from './use-tree-selection';

interface FileTreeProps {
  tree: TreeModel;
  unkept: Unkept;
  editing: Editing;
  onEditing: (editing: Editing) => void;
  /** Where a new item would go, after the focus has moved. */
  onFolder: (folder: string) => void;
  picker: UploadPicker;
}

export function FileTree({ tree, unkept, editing, onEditing, onFolder, picker }: FileTreeProps) {
  const workspace = useWorkspace();
  const commands = useTreeCommands();
  const clipboard = useTreeClipboard(tree, commands);
  const toast = useToast();
  const { active } = useStore(workspace.files.tabs);
  const [target, setTarget] = useState<string>(ROOT);
  /** A path that takes the focus once it is in the tree. */
  const [awaited, setAwaited] = useState<string | null>(null);
  const isUnkept = (path: string): boolean => tree.items.has(path) && !workspace.tree.tree.items.has(path);
  const instance = useFileTree({
    tree,
    session: workspace.id,
    isUnkept,
    onMove: (paths, folder) => void commands.moveInto(paths, folder).then(follow),
  });
  const current = useRef<TreeInstance<Item> | null>(null);
  current.current = instance;
  const selection = useTreeSelection(current);
  const { focusedItem: focused, selectedItems } = instance.getState();
  const selected = useMemo(() => new Set(selectedItems), [selectedItems]);
  const folderOf = (path: string): string =>
    isFolder(tree, path) && !isUnkept(path) ? path : parentOf(path);

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

  /** A folder that was open is so in its new place. */
  const keepOpen = (done: readonly Moved[]): void => {
    const after = (path: string): string => done.reduce((at, { from, to }) => movedPath(at, from, to), path);
    instance.applySubStateUpdate('expandedItems', (old) => [...new Set([...old, ...old.map(after)])]);
    instance.rebuildTree();
  };

  /** What was moved or copied stays selected in its new place, and its folder shows it. */
  const follow = (done: readonly Moved[]): void => {
    const [first] = done;
    if (first === undefined) return;
    const folder = parentOf(first.to);
    if (folder !== ROOT) instance.getItemInstance(folder).expand();
    keepOpen(done);
    selection.only(done.map(({ to }) => to));
    setAwaited(first.to);
  };

  /** What is only in the sandbox can only be deleted. */
  const about = (path: string): string[] => concerned(selectedItems, path).filter((one) => !isUnkept(one));
  const removable = (path: string): string[] =>
    concerned(selectedItems, path).filter((one) => !isUnkept(one) || hasPath(unkept.items.get(one)));

  const open = (path: string, focus: boolean): void => {
    const mark = unkept.items.get(path);
    if (mark && isUnkept(path)) toast(`${markText(mark)}. It is only in the sandbox.`, 'info');
    else workspace.open(path, focus);
  };

  const act = {
    open: (path: string) => open(path, true),
    look: (path: string) => open(path, false),
    create: (what: 'file' | 'folder', near: string) =>
      onEditing({ kind: 'create', what, folder: near === ROOT ? ROOT : folderOf(near) }),
    upload: (what: 'files' | 'folder', near: string) =>
      picker.pick(what, near === ROOT ? ROOT : folderOf(near)),
    find: (near: string) => workspace.services.showSearch(near === ROOT ? '' : folderOf(near)),
    history: (path: string) => workspace.overlay.set({ kind: 'history', path }),
    cut: clipboard.cut,
    copy: clipboard.copy,
    paste: clipboard.full
      ? (near: string) => void clipboard.paste(near === ROOT ? ROOT : folderOf(near)).then(follow)
      : null,
    giveUp: clipboard.clear,
    duplicate: (paths: readonly string[]) => void commands.duplicate(paths).then(follow),
    download: (paths: readonly string[]) => {
      const problem = download(workspace.id, tree, paths);
      if (problem !== null) toast(problem, 'warn');
    },
    copyPaths: (paths: readonly string[]) =>
      void navigator.clipboard
        .writeText(paths.join('\n'))
        .catch(() => toast('The clipboard is not available.', 'danger')),
    rename: (path: string) => onEditing({ kind: 'rename', path }),
    remove: (paths: readonly string[]) =>
      void commands.remove(paths).then((removed) => removed && instance.updateDomFocus()),
  };
  const drop = useFileDrop({
    folderAt: (target) => {
      const path = rowPath(target);
      return path === null ? ROOT : folderOf(path);
    },
    onSpring: (folder) => folder !== ROOT && instance.getItemInstance(folder).expand(),
    onDrop: picker.drop,
  });
  const onKeyDown = useRowKeys({ tree, instance, selection, act, about, removable });

  const endEditing = (): void => {
    onEditing(null);
    instance.updateDomFocus();
  };

  const onContextMenu = (event: MouseEvent): void => {
    const path = rowPath(event.target);
    setTarget(path ?? ROOT);
    if (path !== null && !selected.has(path)) selection.only([path]);
  };

  /** However the focus came to a row (mouse, Tab, a screen reader), the tree takes it from there. */
  const onFocus = (event: FocusEvent): void => {
    const path = rowPath(event.target);
    if (path !== null && path !== instance.getState().focusedItem)
      instance.getItemInstance(path).setFocused();
  };

  const onRowClick = (path: string, event: MouseEvent): void => {
    const item = instance.getItemInstance(path);
    item.setFocused();
    // Not every browser focuses a draggable row that is clicked.
    item.getElement()?.focus();
    if (selection.click(path, event)) return;
    if (!item.isFolder()) open(path, false);
    else if (item.isExpanded()) item.collapse();
    else item.expand();
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
      if (editing.kind === 'rename') {
        const to = joinPath(parentOf(editing.path), name);
        keepOpen([{ from: editing.path, to }]);
        setAwaited(to);
      } else if (editing.what === 'folder') setAwaited(joinPath(editing.folder, name));
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

  const menu = treeMenu(
    {
      path: target,
      kind: tree.items.get(target)?.kind,
      paths: target === ROOT ? [] : about(target),
      all: target === ROOT ? [] : concerned(selectedItems, target),
      removable: target === ROOT ? [] : removable(target),
      unkept: target !== ROOT && isUnkept(target),
    },
    act,
  );

  return (
    <ContextMenu entries={menu} keepFocus>
      <div
        {...drop.props}
        className={cx('flex min-h-full flex-col py-1', drop.over === ROOT && 'ring-2 ring-accent ring-inset')}
        onContextMenu={onContextMenu}
      >
        {editing?.kind === 'create' && editing.folder === ROOT ? nameRow(0) : null}
        <div
          {...instance.getContainerProps('Files')}
          aria-multiselectable
          onKeyDownCapture={onKeyDown}
          onFocus={onFocus}
          className="flex-1 outline-none"
        >
          {instance.getItems().map((item) => {
            const path = item.getId();
            const level = item.getItemMeta().level;
            return (
              <Fragment key={path}>
                {editing?.kind === 'rename' && editing.path === path ? (
                  nameRow(level)
                ) : (
                  <TreeRow
                    item={item}
                    data={tree.items.get(path)}
                    open={path === active}
                    selected={selected.has(path)}
                    cut={clipboard.isCut(path)}
                    target={path === drop.over}
                    mark={unkept.items.get(path)}
                    onClick={(event) => onRowClick(path, event)}
                  />
                )}
                {editing?.kind === 'create' && editing.folder === path ? nameRow(level + 1) : null}
              </Fragment>
            );
          })}
        </div>
      </div>
    </ContextMenu>
  );
}
