/** What an open workspace does with its files besides showing them: marks of what is not kept, uploads. */
import type { Session } from '@/api/types';
import type { TreeStore } from '@/features/tree/tree-store';
import { UnkeptStore } from '@/features/tree/unkept';
import type { Uploads } from '@/features/upload/uploads';
import { workspaceUploads } from '@/features/upload/workspace-uploads';
import type { LinkStatus } from '@/lib/reconnecting-socket';
import type { Readable } from '@/lib/store';

export class FileServices {
  readonly unkept: UnkeptStore;
  readonly uploads: Uploads;
  private readonly stops: (() => void)[];

  constructor(id: string, session: Readable<Session>, tree: TreeStore, link: Readable<LinkStatus>) {
    this.unkept = new UnkeptStore(id);
    this.uploads = workspaceUploads(id, session, tree, link);
    let { state } = session.get();
    this.stops = [
      // What happened while we were away nobody tells.
      link.subscribe(() => link.get() === 'connected' && this.unkept.refresh()),
      session.subscribe(() => {
        if (session.get().state === state) return;
        // What is not kept is in a sandbox, and goes with it.
        ({ state } = session.get());
        this.unkept.refresh();
      }),
    ];
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    this.unkept.dispose();
    this.uploads.dispose();
  }
}
