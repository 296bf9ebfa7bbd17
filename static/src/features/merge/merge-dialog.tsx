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
import { useUnloadGuard } from '@/features/workspace/use-unload-guard';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { keptBoth, namesOf } from '@/lib/names';
import { baseName, displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { FilesChoice } from './files-choice';
import { mergeCommand } from './merge-keys';
import { MergeResult } from './merge-result';
import { loadMerge, saveMerge, type Outcome, type Texts } from './merge-source';
import { MergeView } from './merge-view';

interface MergeDialogProps {
  source: MergeSource;
  onClose: () => void;
}

export function MergeDialog({ source, onClose }: MergeDialogProps) {
  const workspace = useWorkspace();
  /** The user's own merge, to be merged with what has come to be there meanwhile. */
  const [again, setAgain] = useState<Texts | null>(null);
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
  const data = again ?? loading.data;
  return data.kind === 'files' ? (
    <FullDialog title={title} onClose={onClose}>
      <FilesChoice source={source} loaded={data} names={sidesOf(source)} onClose={onClose} />
    </FullDialog>
  ) : (
    <Merging
      // A new reading is a new merge.
      key={`${loading.dataUpdatedAt} ${data.tags.over}`}
      title={title}
      source={source}
      loaded={data}
      names={again ? AGAIN : sidesOf(source)}
      begun={again !== null}
      onClose={onClose}
      onAgain={(texts) => (texts ? setAgain(texts) : void loading.refetch())}
    />
  );
}

/** Whose the two versions are, in the words of the page. */
interface Sides {
  mine: string;
  theirs: string;
}

const AGAIN: Sides = { mine: 'Mine: what you have merged', theirs: 'Theirs: what is there now' };

function sidesOf(source: MergeSource): Sides {
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
  names: Sides;
  /** Whether there is something of the user's in it from the beginning. */
  begun: boolean;
  onAgain: (texts: Texts | null) => void;
}

function Merging({ title, source, loaded, names, begun, onClose, onAgain }: MergingProps) {
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
      const outcome = await saveMerge(workspace, source, result.saved, loaded, removeCopy);
      tell(outcome);
      if (outcome.kind === 'again') return onAgain(outcome.texts);
      workspace.open(outcome.kind === 'beside' ? outcome.copy : source.path, true);
      onClose();
    } catch (error) {
      toast(messageOf(error), 'danger');
    } finally {
      setBusy(false);
    }
  };

  const tell = (outcome: Outcome): void => {
    const name = namesOf([source.path]);
    switch (outcome.kind) {
      case 'saved':
        toast(`${name} was merged.`, 'ok');
        return outcome.kept === null ? undefined : toast(keptBoth(outcome.kept), 'info');
      case 'made':
        return toast(`${name} was deleted meanwhile. It is there again, with your merge.`, 'warn');
      case 'again':
        return toast('The file has changed again meanwhile. Here it is with your merge.', 'warn');
      case 'beside':
        return toast(
          `${name} has changed again meanwhile, and cannot be merged with. Your merge is ${namesOf([outcome.copy])}.`,
          'warn',
        );
      case 'unsaved':
    }
  };

  const holds = (): boolean => begun || result.begun;
  useUnloadGuard(holds);

  const close = async (): Promise<void> => {
    const yes =
      !holds() ||
      (await confirm({
        title: 'Leave the merge?',
        text: 'What you have done so far is given up. Both versions stay as they are.',
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
      <MergeView loaded={loaded} result={result} path={source.path} names={names} />
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
