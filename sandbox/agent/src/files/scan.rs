//! Listing the whole workspace, or saying that it could not be done.
//!
//! Programs go on renaming while it is listed, and what moves from a folder not yet listed to one that was would be missed. So
//! everything is listed first, and then every folder is asked whether it changed since; those that did are listed again, until a
//! round of questions finds nothing. What was listed is then what was there, all at once, when that round began.
//!
//! **Invariant**: a listing that ends with `Scanned` is whole. Whatever stands in the way of that fails it, so that a short listing
//! can never be taken for "the user deleted everything". What may not be read is listed as such.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use std::{thread, vec};

use carrel_protocol::{
    AgentError, Entry, EntryKind, FileStamp, MAX_IGNORED_ENTRIES, MAX_PAGE_ENTRIES, NotKept, Reply, Shape,
};
use rustix::fs::{OFlags, fstat};
use rustix::io::Errno;

use super::entry::{Seen, describe, is_ignored, open_folder};
use super::hash::{RACY_NS, now_ns, stamp};
use super::ignore::Rules;
use super::scratch::names;
use super::{Workspace, agent_error, join};

/// Rounds after which a workspace is given up that is never quiet for one tick of its file system's clock.
const ROUNDS: usize = 16;

/// Names of one folder that are read, in multiples of what a listing may have: what is ignored does not count there.
const NAMES_PER_ITEM: usize = 4;

/// Encoded size at which a page is sent even if it has few entries: half a frame.
pub const PAGE_BYTES: usize = 256 * 1024;

/// A folder as it was listed.
struct Folder {
    stamp: FileStamp,
    /// It was so young that another change in the same tick would not have shown in its stamp.
    young: bool,
    /// In byte order; `None` when it may not be listed.
    children: Option<Vec<Child>>,
    /// How many of them are ignored.
    ignored: usize,
}

struct Child {
    entry: Entry,
    /// The path of a folder that is to be listed.
    folder: Option<Vec<u8>>,
}

/// Everything listed so far, by path.
struct Snapshot<'w> {
    workspace: &'w Workspace,
    rules: &'w mut Rules,
    folders: HashMap<Vec<u8>, Folder>,
    items: usize,
    ignored: usize,
}

/// What has been sent so far.
struct Listing<'e> {
    emit: &'e mut dyn FnMut(Vec<Entry>) -> Result<(), AgentError>,
    page: Vec<Entry>,
    page_bytes: usize,
    count: u64,
    kept: u64,
    hasher: blake3::Hasher,
}

/// Lists everything, parents before children and siblings in byte order, handing each page to `emit`. Of ignored things only the topmost are
/// named, and at most [`MAX_IGNORED_ENTRIES`].
///
/// # Errors
/// `TooMany`, `Torn` when names keep changing, what `emit` says, or the first error of a system call.
pub fn scan(
    workspace: &Workspace,
    rules: &mut Rules,
    emit: &mut dyn FnMut(Vec<Entry>) -> Result<(), AgentError>,
) -> Result<Reply, AgentError> {
    scan_while(workspace, rules, emit, &mut |_| ())
}

/// As [`scan`]; `meanwhile` happens in each round after the listing and before the questions.
fn scan_while(
    workspace: &Workspace,
    rules: &mut Rules,
    emit: &mut dyn FnMut(Vec<Entry>) -> Result<(), AgentError>,
    meanwhile: &mut dyn FnMut(usize),
) -> Result<Reply, AgentError> {
    rules.forget();
    let mut snapshot = Snapshot { workspace, rules, folders: HashMap::new(), items: 0, ignored: 0 };
    let mut pending = vec![Vec::new()];
    for round in 0..ROUNDS {
        snapshot.list_all(pending)?;
        meanwhile(round);
        pending = match snapshot.changed()? {
            None => return snapshot.send(emit),
            Some(changed) => changed,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a lane's own thread, and no event tells that the file system's clock moved on"
        )]
        thread::sleep(Duration::from_nanos(RACY_NS.unsigned_abs()));
    }
    Err(AgentError::Torn)
}

impl Snapshot<'_> {
    /// Lists these folders, and those found in them that were not listed before.
    fn list_all(&mut self, mut pending: Vec<Vec<u8>>) -> Result<(), AgentError> {
        while let Some(path) = pending.pop() {
            let folder = match self.list(&path) {
                Ok(folder) => folder,
                // The top has no entry that could say so.
                Err(errno) if path.is_empty() => return Err(agent_error(errno)),
                // Gone or replaced since; its parent tells when it is asked.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => continue,
                Err(errno) => return Err(agent_error(errno)),
            };
            self.items += folder.len();
            self.ignored += folder.ignored;
            let found = folder.children.iter().flatten().filter_map(|child| child.folder.clone());
            pending.extend(found.filter(|path| !self.folders.contains_key(path)));
            if let Some(before) = self.folders.insert(path, folder) {
                self.items -= before.len();
                self.ignored -= before.ignored;
            }
            // What was moved meanwhile is counted twice until its old place is asked.
            if self.items > self.workspace.max_items().saturating_mul(2) {
                return Err(AgentError::TooMany);
            }
        }
        Ok(())
    }

    fn list(&mut self, path: &[u8]) -> Result<Folder, Errno> {
        let root = Arc::clone(&self.workspace.root);
        self.rules.forget_folder(path);
        // Before the stamp is taken: what changes from then on has a later one.
        let now = now_ns();
        let handle = root.folder(path, OFlags::PATH)?;
        let stamp = stamp(&fstat(&handle)?);
        let young = now.abs_diff(stamp.ctime_ns) < RACY_NS.unsigned_abs();
        let children = match open_folder(&handle, OsStr::new(".")) {
            Ok(folder) => Some(self.children(&folder, path)?),
            Err(Errno::ACCESS | Errno::PERM) if !path.is_empty() => None,
            Err(errno) => return Err(errno),
        };
        let ignored = children.iter().flatten().filter(|child| is_ignored(&child.entry)).count();
        Ok(Folder { stamp, young, children, ignored })
    }

    fn children(&mut self, folder: &OwnedFd, path: &[u8]) -> Result<Vec<Child>, Errno> {
        let mut names = names(folder, self.workspace.max_items().saturating_mul(NAMES_PER_ITEM).saturating_add(1))?;
        names.sort_unstable();
        // Listed again, it takes its own place.
        let elsewhere = self.ignored - self.folders.get(path).map_or(0, |before| before.ignored);
        let (mut children, mut ignored, mut kept) = (Vec::new(), elsewhere, 0);
        for name in names {
            let path = join(path, name.to_bytes());
            let seen = match describe(folder, &path, self.workspace, self.rules) {
                Ok(Some(seen)) => seen,
                // Hidden; or vanished, which the folder's stamp tells.
                Ok(None) | Err(Errno::NOENT) => continue,
                Err(Errno::ACCESS) => Seen::unreadable(&path),
                Err(errno) => return Err(errno),
            };
            if is_ignored(&seen.entry) {
                ignored += 1;
                if ignored > MAX_IGNORED_ENTRIES {
                    continue;
                }
            } else {
                kept += 1;
                if kept > self.workspace.max_items() {
                    return Err(Errno::OVERFLOW);
                }
            }
            children.push(Child { entry: seen.entry, folder: seen.folder.then_some(path) });
        }
        Ok(children)
    }

    /// The folders to be listed again; `None` when all are as they were listed, and were so all at once.
    fn changed(&mut self) -> Result<Option<Vec<Vec<u8>>>, AgentError> {
        let (mut again, mut gone) = (Vec::new(), Vec::new());
        for (path, folder) in &self.folders {
            let now = self.workspace.root.folder(path, OFlags::PATH).and_then(|folder| fstat(&folder));
            match now {
                Ok(now) if stamp(&now) == folder.stamp && !folder.young => {}
                Ok(_) => again.push(path.clone()),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => gone.push(path.clone()),
                Err(errno) => return Err(agent_error(errno)),
            }
        }
        // A folder that was found and then could not be opened, although its parent has not changed, opened and shut by its owner.
        let children = self.folders.values().filter_map(|folder| folder.children.as_ref()).flatten();
        let unlisted =
            children.filter_map(|child| child.folder.as_ref()).filter(|path| !self.folders.contains_key(*path));
        again.extend(unlisted.cloned());
        if again.is_empty() && gone.is_empty() {
            return Ok(None);
        }
        for path in gone {
            if let Some(folder) = self.folders.remove(&path) {
                self.items -= folder.len();
                self.ignored -= folder.ignored;
            }
        }
        Ok(Some(again))
    }

    fn send(mut self, emit: &mut dyn FnMut(Vec<Entry>) -> Result<(), AgentError>) -> Result<Reply, AgentError> {
        let most = self.workspace.max_items() as u64;
        let mut listing =
            Listing { emit, page: Vec::new(), page_bytes: 0, count: 0, kept: 0, hasher: blake3::Hasher::new() };
        let mut levels: Vec<vec::IntoIter<Child>> = Vec::new();
        levels.extend(self.take(b""));
        while let Some(level) = levels.last_mut() {
            let Some(Child { mut entry, folder }) = level.next() else {
                levels.pop();
                continue;
            };
            let below = folder.as_ref().map(|path| self.take(path));
            if let Some(None) = below {
                entry.kind = EntryKind::NotKept { why: NotKept::Unreadable, shape: Shape::Folder };
            }
            listing.add(entry, most)?;
            levels.extend(below.flatten());
        }
        listing.flush()?;
        let hash = *listing.hasher.finalize().as_bytes();
        Ok(Reply::Scanned { count: listing.count, hash, disobeyed: self.rules.disobeyed() })
    }

    fn take(&mut self, path: &[u8]) -> Option<vec::IntoIter<Child>> {
        self.folders.remove(path)?.children.map(Vec::into_iter)
    }
}

impl Folder {
    fn len(&self) -> usize {
        self.children.as_ref().map_or(0, Vec::len) - self.ignored
    }
}

impl Listing<'_> {
    fn add(&mut self, entry: Entry, most: u64) -> Result<(), AgentError> {
        if !is_ignored(&entry) {
            if self.kept >= most {
                return Err(AgentError::TooMany);
            }
            self.kept += 1;
        }
        let encoded = encoded(&entry)?;
        if self.page.len() >= MAX_PAGE_ENTRIES || self.page_bytes + encoded.len() > PAGE_BYTES {
            self.flush()?;
        }
        self.hasher.update(&encoded);
        self.page_bytes += encoded.len();
        self.count += 1;
        self.page.push(entry);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), AgentError> {
        self.page_bytes = 0;
        if self.page.is_empty() { Ok(()) } else { (self.emit)(std::mem::take(&mut self.page)) }
    }
}

/// An entry as it goes over the wire.
///
/// # Errors
/// Never for an entry this crate makes.
pub fn encoded(entry: &Entry) -> Result<Vec<u8>, AgentError> {
    postcard::to_stdvec(entry).map_err(|_| AgentError::BadRequest("an entry cannot be encoded".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use carrel_protocol::Limits;

    use super::*;

    fn listed(top: &Path, meanwhile: &mut dyn FnMut(usize)) -> Result<Vec<String>, AgentError> {
        let workspace = Workspace::open(top).expect("workspace");
        let ignore = Vec::new();
        workspace.set_limits(&Limits {
            ring_bytes: 0,
            max_items: 100,
            max_file_bytes: 100,
            viewer_stall_ms: 0,
            ignore,
        });
        let mut paths = Vec::new();
        let mut emit = |entries: Vec<Entry>| {
            paths.extend(entries.into_iter().map(|entry| entry.path));
            Ok(())
        };
        scan_while(&workspace, &mut Rules::default(), &mut emit, meanwhile)?;
        Ok(paths)
    }

    #[test]
    fn what_is_renamed_while_it_is_listed_is_not_missed() {
        let dir = tempfile::tempdir().expect("temp dir");
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("a")).expect("mkdir");
        fs::create_dir_all(at("z/deep")).expect("mkdir");
        fs::write(at("z/tmp"), "x").expect("write");
        fs::write(at("z/deep/f"), "x").expect("write");
        let paths = listed(dir.path(), &mut |round| match round {
            0 => fs::rename(at("z/tmp"), at("z/data.csv")).expect("rename"),
            1 => fs::rename(at("z/data.csv"), at("a/data.csv")).expect("rename"),
            2 => fs::rename(at("z/deep"), at("a/deep")).expect("rename"),
            _ => {}
        });
        let expected = ["a", "a/data.csv", "a/deep", "a/deep/f", "z"].map(str::to_owned);
        assert_eq!(paths, Ok(expected.to_vec()));
    }

    #[test]
    fn a_workspace_whose_names_never_rest_is_not_listed_at_all() {
        let dir = tempfile::tempdir().expect("temp dir");
        let at = |round: usize| dir.path().join(round.to_string());
        fs::write(at(0), "x").expect("write");
        let paths = listed(dir.path(), &mut |round| fs::rename(at(round), at(round + 1)).expect("rename"));
        assert_eq!(paths, Err(AgentError::Torn));
    }
}
