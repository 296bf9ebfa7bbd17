/** Downloads that begin from a menu: the browser saves them, the page only follows a link. */
import { archiveUrl } from '@/api/items';
import { fileUrl } from '@/api/files';
import { baseName } from '@/lib/paths';
import { isFolder, type TreeModel } from './tree-model';

/** A file as it is; a folder as a zip. */
export function download(session: string, tree: TreeModel, path: string): void {
  if (isFolder(tree, path)) follow(archiveUrl(session, path));
  else follow(fileUrl(session, path), baseName(path));
}

/** Everything as a zip. */
export function downloadAll(session: string): void {
  follow(archiveUrl(session));
}

function follow(href: string, name = ''): void {
  const link = document.createElement('a');
  link.href = href;
  // Named by the server where we have no name.
  link.download = name;
  link.click();
}
