//! Which paths of the workspace have changed, from inotify.
//!
//! Every folder has a watch, tied to the folder itself and not to its name. A folder that appears is watched
//! first and listed afterwards, so that nothing made in it meanwhile is missed. Of what is ignored only its coming and going is told.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use carrel_protocol::WorkspacePath;
use carrel_protocol::rules::IGNORE_FILE;
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use rustix::fs::{AtFlags, Dir, FileType, OFlags, statat};
use rustix::io::Errno;

use crate::dirty::Dirty;
use crate::files::beneath::{Root, file_type};
use crate::files::entry::is_scratch;
use crate::files::ignore::Rules;
use crate::files::join;

/// What is asked of the kernel about each folder.
const EVENTS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::EXCL_UNLINK);

/// What comes or goes, of all that.
const COMES_OR_GOES: ReadFlags =
    ReadFlags::CREATE.union(ReadFlags::DELETE).union(ReadFlags::MOVED_FROM).union(ReadFlags::MOVED_TO);

/// What may mean that the server's socket is back.
const LINK_EVENTS: WatchFlags =
    WatchFlags::CREATE.union(WatchFlags::MOVED_TO).union(WatchFlags::ATTRIB).union(WatchFlags::ONLYDIR);

/// Buffer for events, in bytes: about a thousand.
const BUFFER_BYTES: usize = 32 * 1024;

/// Buffers read before the caller gets its turn again.
const BUFFERS_PER_DRAIN: usize = 16;

/// The watches of one workspace.
#[derive(Debug)]
pub struct Watch {
    root: Arc<Root>,
    inotify: Option<OwnedFd>,
    paths: HashMap<i32, Vec<u8>>,
    watches: BTreeMap<Vec<u8>, i32>,
    link: Option<i32>,
    /// Some folder could not be watched: only a listing tells what changes in it.
    blind: bool,
    /// Most folders watched.
    limit: usize,
}

/// What a drain of the events came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Something in the workspace changed.
    pub touched: bool,
    /// Something in the link folder changed.
    pub link: bool,
    /// There is more to read.
    pub more: bool,
    /// An ignore file changed.
    pub rules: bool,
    /// Some folder cannot be watched.
    pub blind: bool,
}

struct Event {
    watch: i32,
    what: ReadFlags,
    name: Vec<u8>,
}

impl Watch {
    /// Starts without any watch. Where inotify is used up, the workspace is merely listed every so often.
    #[must_use]
    pub fn new(root: Arc<Root>) -> Self {
        let inotify = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok();
        let blind = inotify.is_none();
        Self { root, inotify, paths: HashMap::new(), watches: BTreeMap::new(), link: None, blind, limit: usize::MAX }
    }

    /// The descriptor that becomes readable with events.
    #[must_use]
    pub fn readable(&self) -> Option<OwnedFd> {
        self.inotify.as_ref().and_then(|inotify| inotify.try_clone().ok())
    }

    /// Sets how many folders are watched at most; more are more than the server would list.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Tries again to watch what could not be watched; answers whether anything still cannot.
    pub fn retry(&mut self, dirty: &mut Dirty, rules: &mut Rules) -> bool {
        self.blind = self.inotify.is_none();
        if !self.blind {
            self.add(Vec::new(), dirty, rules);
        }
        self.blind
    }

    /// Watches what is no longer ignored, and no longer what is.
    pub fn renew(&mut self, dirty: &mut Dirty, rules: &mut Rules) {
        let root = Arc::clone(&self.root);
        let watched = self.watches.keys().filter(|path| !path.is_empty());
        let ignored: Vec<_> = watched.filter(|path| rules.is_ignored(&root, path, true)).cloned().collect();
        for path in ignored {
            self.forget(&path);
        }
        self.add(Vec::new(), dirty, rules);
    }

    /// Also watches the folder in which the server's socket appears.
    pub fn add_link_dir(&mut self, link_dir: &Path) {
        if let Some(inotify) = &self.inotify {
            self.link = add_watch(inotify, link_dir, LINK_EVENTS).ok();
        }
    }

    /// Watches the folder at `path` and all below it, and marks what is in them as dirty.
    pub fn add(&mut self, path: Vec<u8>, dirty: &mut Dirty, rules: &mut Rules) {
        let mut pending = vec![path];
        while let Some(path) = pending.pop() {
            match self.add_one(&path, dirty, rules, &mut pending) {
                // Gone, replaced or locked meanwhile: its parent's watch tells when that changes.
                Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => {}
                Err(_) => self.blind = true,
            }
        }
    }

    /// Takes the events that have arrived.
    pub fn drain(&mut self, dirty: &mut Dirty, rules: &mut Rules) -> Drained {
        let mut drained = Drained::default();
        let mut buffers = 0;
        while let Some(events) = self.read() {
            for event in events {
                self.apply(event, dirty, rules, &mut drained);
            }
            buffers += 1;
            if buffers >= BUFFERS_PER_DRAIN {
                drained.more = true;
                break;
            }
        }
        drained.blind = self.blind;
        drained
    }

    fn add_one(
        &mut self,
        path: &[u8],
        dirty: &mut Dirty,
        rules: &mut Rules,
        pending: &mut Vec<Vec<u8>>,
    ) -> Result<(), Errno> {
        if self.watches.len() >= self.limit {
            return Err(Errno::NOSPC);
        }
        let folder = self.root.folder(path, OFlags::RDONLY)?;
        rules.forget_folder(path);
        if let Some(inotify) = &self.inotify {
            // By descriptor: whatever the name leads to by now, this folder is the one being listed.
            let watch = add_watch(inotify, format!("/proc/self/fd/{}", folder.as_raw_fd()), EVENTS)?;
            if let Some(old) = self.paths.insert(watch, path.to_vec()) {
                self.watches.remove(&old);
            }
            self.watches.insert(path.to_vec(), watch);
        }
        for item in Dir::read_from(&folder)? {
            let item = item?;
            let name = item.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let path = join(path, name.to_bytes());
            let is_folder = match item.file_type() {
                FileType::Unknown => statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|stat| file_type(&stat) == FileType::Directory),
                kind => kind == FileType::Directory,
            };
            if is_scratch(&path) {
                continue;
            }
            if rules.is_ignored(&self.root, &path, is_folder) {
                dirty.mark_ignored(path);
                continue;
            }
            if is_folder && can_be_kept(&path) {
                pending.push(path.clone());
            }
            dirty.mark(path);
        }
        Ok(())
    }

    fn read(&self) -> Option<Vec<Event>> {
        let inotify = self.inotify.as_ref()?;
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let (mut reader, mut events) = (Reader::new(inotify, &mut buffer), Vec::new());
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_bytes().to_vec()).unwrap_or_default();
                    events.push(Event { watch: event.wd(), what: event.events(), name });
                    if reader.is_buffer_empty() {
                        return Some(events);
                    }
                }
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
    }

    fn apply(&mut self, event: Event, dirty: &mut Dirty, rules: &mut Rules, drained: &mut Drained) {
        if event.what.contains(ReadFlags::QUEUE_OVERFLOW) {
            drained.touched = true;
            dirty.lose_track();
            // Folders may have come unseen, and rules changed.
            drained.rules = true;
            return;
        }
        if Some(event.watch) == self.link {
            drained.link = true;
            return;
        }
        if event.what.contains(ReadFlags::IGNORED) {
            if let Some(path) = self.paths.remove(&event.watch)
                && self.watches.get(&path) == Some(&event.watch)
            {
                self.watches.remove(&path);
            }
            return;
        }
        let Some(folder) = self.paths.get(&event.watch) else { return };
        if event.name.is_empty() {
            return;
        }
        let path = join(folder, OsStr::from_bytes(&event.name).as_bytes());
        let is_folder = event.what.contains(ReadFlags::ISDIR);
        if is_scratch(&path) {
            return;
        }
        if is_folder && event.what.contains(ReadFlags::MOVED_FROM) {
            self.forget(&path);
        }
        if rules.is_ignored(&self.root, &path, is_folder) {
            if event.what.intersects(COMES_OR_GOES) {
                drained.touched = true;
                dirty.mark_ignored(path);
            }
            return;
        }
        drained.touched = true;
        drained.rules |= event.name == IGNORE_FILE.as_bytes();
        let appeared = event.what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO)
            || (event.what.contains(ReadFlags::ATTRIB) && !self.watches.contains_key(&path));
        if is_folder && appeared && can_be_kept(&path) {
            self.add(path.clone(), dirty, rules);
        }
        if is_folder && event.what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
            dirty.mark_vanished(path);
        } else {
            dirty.mark(path);
        }
    }

    /// Drops the watches of a folder that moved away, and of all below it.
    fn forget(&mut self, path: &[u8]) {
        let below = [path, b"/"].concat()..[path, b"0"].concat();
        let gone: Vec<_> = self.watches.range(below).map(|(path, _)| path.clone()).chain([path.to_vec()]).collect();
        for path in gone {
            if let Some(watch) = self.watches.remove(&path) {
                self.paths.remove(&watch);
                if let Some(inotify) = &self.inotify {
                    let _ = remove_watch(inotify, watch);
                }
            }
        }
    }
}

/// Whether a folder of this name is kept at all; inside others nothing is looked for.
fn can_be_kept(path: &[u8]) -> bool {
    std::str::from_utf8(path).is_ok_and(|text| WorkspacePath::new(text).is_ok())
}
