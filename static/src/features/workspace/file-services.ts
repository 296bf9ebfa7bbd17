/** What an open workspace does with its files besides showing them: marks of what is not kept, uploads, searching. */
import type { Session } from '@/api/types';
import type { TreeStore } from '@/features/tree/tree-store';
import { SearchStore, searchServer } from '@/features/search/search-store';
import { UnkeptStore } from '@/features/tree/unkept';
import type { Uploads } from '@/features/upload/uploads';
import { workspaceUploads } from '@/features/upload/workspace-uploads';
import type { LinkStatus } from '@/lib/reconnecting-socket';
import { Store, type Readable } from '@/lib/store';

/** A place in a file. */
export interface Place {
  path: string;
  /** From 1, as the column, which counts UTF-16 units. */
  line: number;
  column: number;
  length: number;
}

export class FileServices {
  /** What is beside the editor. */
  readonly side = new Store<'files' | 'search'>('files');
  /** Where the editor of a file is to go once it is there. */
  readonly reveal = new Store<Place | null>(null);
  readonly search: SearchStore;
  readonly unkept: UnkeptStore;
  readonly uploads: Uploads;
  private readonly stops: (() => void)[];

  constructor(id: string, session: Readable<Session>, tree: TreeStore, link: Readable<LinkStatus>) {
    this.unkept = new UnkeptStore(id);
    this.search = new SearchStore(searchServer(id));
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

  /** Brings find in files to the front, in this folder if one is given. */
  showSearch(folder?: string): void {
    if (folder !== undefined) this.search.change({ include: folder === '' ? '' : `${folder}/**` });
    this.side.set('search');
    this.search.focus();
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    this.unkept.dispose();
    this.uploads.dispose();
    this.search.dispose();
  }
}
