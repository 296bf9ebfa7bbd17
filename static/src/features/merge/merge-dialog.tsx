/** Merging two versions of a file, over the whole workspace: reading, merging, saving, and what can go wrong. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { useId, useMemo, useState, type KeyboardEvent } from 'react';
import { messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { FullDialog } from '@/components/full-dialog';
import { Failure, Loading } from '@/components/states';
import { useToast } from '@/components/toasts';
import type { MergeSource } from '@/features/workspace/overlay';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { FilesChoice } from './files-choice';
import { mergeCommand } from './merge-keys';
import { MergeResult } from './merge-result';
import { loadMerge, saveMerge, type Loaded } from './merge-source';
import { MergeView } from './merge-view';

interface MergeDialogProps {
  source: MergeSource;
  onClose: () => void;
}

type Texts = Extract<Loaded, { kind: 'texts' }>;

export function MergeDialog({ source, onClose }: MergeDialogProps) {
  const workspace = useWorkspace();
  const key = source.kind === 'copy' ? source.copy : '';
  const loading = useQuery({
    queryKey: ['merge', workspace.id, source.path, key],
    queryFn: () => loadMerge(workspace, source),
    // Both sides are as they were read until the user asks again.
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    retry: false,
  });
  const title = `Merge “${displayName(baseName(source.path))}”`;
  if (loading.isFetching || loading.isPending || loading.isError) {
    return (
      <FullDialog title={title} onClose={onClose}>
        {loading.isError && !loading.isFetching ? (
          <Failure
            title="The versions could not be read"
            actions={<Button onClick={() => void loading.refetch()}>Try again</Button>}
          >
            {messageOf(loading.error)}
          </Failure>
        ) : (
          <Loading>Reading both versions…</Loading>
        )}
      </FullDialog>
    );
  }
  const { data } = loading;
  return data.kind === 'files' ? (
    <FullDialog title={title} onClose={onClose}>
      <FilesChoice source={source} loaded={data} names={namesOf(source)} onClose={onClose} />
    </FullDialog>
  ) : (
    <Merging
      // A new reading is a new merge.
      key={loading.dataUpdatedAt}
      title={title}
      source={source}
      loaded={data}
      onClose={onClose}
      onAgain={() => void loading.refetch()}
    />
  );
}

/** Whose the versions are, in the words of the page. */
function namesOf(source: MergeSource): { mine: string; theirs: string } {
  if (source.kind === 'file')
    return { mine: 'Mine: what is typed here', theirs: 'Theirs: what is there now' };
  const file = displayName(baseName(source.path));
  const copy = displayName(baseName(source.copy));
  // What was kept beside is the user's own in one case, and somebody else's in the others.
  return source.origin === 'template'
    ? { mine: `Mine: ${file}`, theirs: `The template’s: ${copy}` }
    : { mine: `Mine: ${file}`, theirs: `${source.origin === 'mine' ? 'The copy' : 'Theirs'}: ${copy}` };
}

interface MergingProps extends MergeDialogProps {
  title: string;
  loaded: Texts;
  onAgain: () => void;
}

function Merging({ title, source, loaded, onClose, onAgain }: MergingProps) {
  const workspace = useWorkspace();
  const toast = useToast();
  const confirm = useConfirm();
  const box = useId();
  const result = useMemo(() => new MergeResult(loaded.merged), [loaded]);
  const { hunks, current } = useStore(result.state);
  const [busy, setBusy] = useState(false);
  const [removeCopy, setRemoveCopy] = useState(true);
  const open = hunks.filter((state) => state === 'open').length;

  const save = async (): Promise<void> => {
    if (busy) return;
    if (open > 0) {
      result.next(1);
      return toast(
        open === 1 ? 'One conflict is not decided yet.' : `${open} conflicts are not decided yet.`,
        'warn',
      );
    }
    setBusy(true);
    try {
      const outcome = await saveMerge(workspace, source, result.saved, loaded.tags, removeCopy);
      if (outcome === 'again') {
        const words =
          source.kind === 'file' ? 'Here it is with your merge.' : 'Merge it with what is there now.';
        toast(`The file has changed again meanwhile. ${words}`, 'warn');
        return onAgain();
      }
      if (outcome === 'saved') toast(`“${displayName(baseName(source.path))}” was merged.`, 'ok');
      workspace.open(source.path, true);
      onClose();
    } catch (error) {
      toast(messageOf(error), 'danger');
    } finally {
      setBusy(false);
    }
  };

  const close = async (): Promise<void> => {
    const begun = hunks.some((state) => state !== 'open');
    const yes =
      !begun ||
      (await confirm({
        title: 'Leave the merge?',
        text: 'What you have decided so far is given up. Both versions stay as they are.',
        yes: 'Leave',
        danger: true,
      }));
    if (yes) onClose();
  };

  const onKeys = (event: KeyboardEvent): void => {
    const command = mergeCommand(event.nativeEvent);
    if (command === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (command.kind === 'save') return void (event.repeat ? null : save());
    if (command.kind === 'next') return result.next(command.step);
    if (hunks.length === 0) return;
    if (command.all) return result.decideAll(command.choice);
    result.decide(current, command.choice);
    if (result.state.get().hunks.includes('open')) result.next(1);
  };

  return (
    <FullDialog
      title={title}
      summary={<Summary result={result} open={open} />}
      onClose={() => void close()}
      onKeys={onKeys}
      actions={
        <>
          {source.kind === 'copy' ? (
            <label htmlFor={box} className="flex items-center gap-1.5 text-muted">
              <input
                id={box}
                type="checkbox"
                checked={removeCopy}
                onChange={(event) => setRemoveCopy(event.target.checked)}
                className="accent-accent-solid"
              />
              Delete the copy
            </label>
          ) : null}
          <Button onClick={() => void close()}>Decide later</Button>
          <Button variant="primary" busy={busy} aria-disabled={open > 0} onClick={() => void save()}>
            Save the result
          </Button>
        </>
      }
    >
      <MergeView loaded={loaded} result={result} path={source.path} names={namesOf(source)} />
    </FullDialog>
  );
}

function Summary({ result, open }: { result: MergeResult; open: number }) {
  const count = result.conflicts.length;
  const alone = result.mergedByItself;
  return (
    <span role="status">
      {count === 0
        ? 'Nothing is in conflict'
        : open === 0
          ? 'All conflicts are decided'
          : `${open} of ${count} ${count === 1 ? 'conflict' : 'conflicts'} to decide`}
      {alone > 0
        ? ` · ${alone} ${alone === 1 ? 'change was merged by itself' : 'changes were merged by themselves'}`
        : null}
    </span>
  );
}
