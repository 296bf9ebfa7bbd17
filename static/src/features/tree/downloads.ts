/** Downloads that begin from a menu: the browser saves them, the page only follows a link. */
import { MOST_PATHS, archiveUrl } from '@/api/items';
import { fileUrl } from '@/api/files';
import { baseName } from '@/lib/paths';
import { isFolder, type TreeModel } from './tree-model';

/** What proxies on the way may be asked for, and browsers ask for, in one address. */
const MOST_URL_CHARS = 30_000;

/** A file as it is; a folder, or several items, as one zip. Returns why nothing was downloaded, or `null`. */
export function download(session: string, tree: TreeModel, paths: readonly string[]): string | null {
  const [path, ...others] = paths;
  if (path === undefined) return null;
  if (others.length === 0 && !isFolder(tree, path)) {
    follow(fileUrl(session, path), baseName(path));
    return null;
  }
  const url = archiveUrl(session, paths);
  if (paths.length > MOST_PATHS || url.length > MOST_URL_CHARS)
    return 'These are too many to be downloaded together. Download the folder they are in, or fewer.';
  follow(url);
  return null;
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
