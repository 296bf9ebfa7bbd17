/** What the user should know about the file in front, and the conflict dialog. */
'use client';

import { useState } from 'react';
import { messageOf } from '@/api/problem';
import { Banner } from '@/components/banner';
import { Button } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { useToast } from '@/components/toasts';
import { formatAgo } from '@/lib/format';
import { CopyBanner } from '@/features/merge/copy-banner';
import { useStore } from '@/lib/store';
import { ConflictDialog } from './conflict-dialog';
import type { OpenFile } from './open-file';
import { useCloseFile } from './use-close-file';

export function FileBanners({ file }: { file: OpenFile }) {
  const { save, outside, restoredAt, stale, path } = useStore(file.state);
  const [resolving, setResolving] = useState(false);
  const toast = useToast();
  const close = useCloseFile(useConfirm());
  const failed = (error: unknown): void => toast(messageOf(error), 'danger');
  const asked = resolving || save.kind === 'conflict';

  return (
    <>
      {restoredAt !== null ? (
        <Banner
          tone="info"
          actions={
            <>
              <Button onClick={() => void file.takeTheirs().catch(failed)}>Discard them</Button>
              <Button onClick={() => void file.keepRestored()}>Keep</Button>
            </>
          }
        >
          Unsaved changes from {formatAgo(new Date(restoredAt).toISOString())} were restored.
        </Banner>
      ) : null}
      {stale ? (
        <Banner tone="warn">
          <strong className="font-semibold">Not up to date.</strong> This file has changed and could not be
          read again yet. Trying again by itself.
        </Banner>
      ) : null}
      {save.kind === 'retrying' ? (
        <Banner tone="warn" actions={<Button onClick={() => void file.save()}>Save now</Button>}>
          <strong className="font-semibold">Not saved.</strong> {save.message} Trying again by itself; your
          text is kept in this browser.
        </Banner>
      ) : null}
      {save.kind === 'failed' ? (
        <Banner tone="danger" actions={<Button onClick={() => void file.save()}>Save again</Button>}>
          <strong className="font-semibold">Not saved.</strong> {save.message}
        </Banner>
      ) : null}
      {outside === 'changed' ? (
        <Banner tone="warn" actions={<Button onClick={() => setResolving(true)}>Resolve…</Button>}>
          This file was changed outside while you have unsaved edits. Nothing is saved until you decide.
        </Banner>
      ) : null}
      {outside === 'deleted' ? (
        <Banner
          tone="warn"
          actions={
            <>
              <Button onClick={() => void file.takeMine().catch(failed)}>Write it again</Button>
              <Button onClick={() => void close(path)}>Close</Button>
            </>
          }
        >
          This file was deleted outside. Its text is still here.
        </Banner>
      ) : null}
      {asked ? null : <CopyBanner path={path} />}
      <ConflictDialog file={file} open={asked} onClose={() => setResolving(false)} />
    </>
  );
}
