//! Searching the workspace, on a thread of its own that everything else goes before.
//!
//! **Invariants**: no link is followed; a search ends when its time is over, when it was stopped, or when its connection has ended, which is
//! looked at between the blocks of a file and between folders. One search runs at a time; the server asks for few.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use carrel_protocol::{AgentError, Found, MAX_SEARCHED_BYTES, SearchQuery, WorkspacePath};
use carrel_search::{Collector, Search};
use rustix::fs::{AtFlags, FileType, OFlags, fstat, statat};
use rustix::io::Errno;

use crate::files::beneath::file_type;
use crate::files::entry::is_scratch;
use crate::files::hash::read_at;
use crate::files::read::open_regular;
use crate::files::scratch::names;
use crate::files::{Workspace, join};
use crate::lanes::Caller;

/// How much sooner everything else gets the processor: as much as there is.
const NICE: i32 = 19;

/// The longest a search may take, whatever the server says.
const LONGEST: Duration = Duration::from_secs(30);

/// Names of searches remembered that are no longer wanted: more than can be waiting.
const MAX_STOPPED: usize = 64;

/// A search to be made.
#[derive(Debug)]
pub struct SearchJob {
    /// Whom to answer.
    pub caller: Caller,
    /// Its name.
    pub search: u64,
    /// What for.
    pub query: SearchQuery,
    /// When it was asked for: waiting counts.
    pub asked: Instant,
}

/// Which searches nobody waits for any more.
#[derive(Clone, Debug, Default)]
pub struct Stopped(Arc<Mutex<VecDeque<u64>>>);

impl Stopped {
    /// Nobody waits for this one.
    pub fn stop(&self, search: u64) {
        let mut stopped = self.lock();
        if stopped.len() >= MAX_STOPPED {
            stopped.pop_front();
        }
        stopped.push_back(search);
    }

    fn contains(&self, search: u64) -> bool {
        self.lock().contains(&search)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A search, made when it is called.
pub type Searching<'a> = &'a mut dyn FnMut() -> Result<Found, AgentError>;

/// Makes searches, one after the other.
pub fn lane(
    workspace: &Workspace,
    jobs: &Receiver<SearchJob>,
    stopped: &Stopped,
    current: &AtomicU64,
    answer: &mut dyn FnMut(Caller, Searching<'_>),
) {
    // Of this thread alone. Where that is refused, it is as others are.
    rustix::process::setpriority_process(None, NICE).ok();
    for SearchJob { caller, search, query, asked } in jobs {
        let until = asked + Duration::from_millis(query.within_ms.into()).min(LONGEST);
        let is_over = || {
            Instant::now() >= until || stopped.contains(search) || current.load(Ordering::Relaxed) != caller.connection
        };
        answer(caller, &mut || run(workspace, &query, &is_over));
    }
}

/// Searches all files, folder by folder.
///
/// # Errors
/// `BadRequest` for a query that is none, or what the workspace's top says.
pub fn run(workspace: &Workspace, query: &SearchQuery, is_over: &dyn Fn() -> bool) -> Result<Found, AgentError> {
    let search = Search::new(query).map_err(|error| AgentError::BadRequest(error.to_string()))?;
    let mut looking =
        Looking { workspace, search, collector: Collector::new(query.limit), is_over, content: Vec::new() };
    looking.all();
    Ok(looking.collector.finish())
}

struct Looking<'a> {
    workspace: &'a Workspace,
    search: Search,
    collector: Collector,
    is_over: &'a dyn Fn() -> bool,
    /// The file that is looked at.
    content: Vec<u8>,
}

impl Looking<'_> {
    fn all(&mut self) {
        // Folders to be looked into, the next one last.
        let mut folders = vec![Vec::new()];
        while let Some(folder) = folders.pop() {
            if (self.is_over)() {
                return self.collector.cut();
            }
            let Ok((files, mut below)) = self.list(&folder) else {
                self.collector.skip();
                continue;
            };
            for file in files {
                if !self.file(&file) {
                    return;
                }
            }
            below.reverse();
            folders.append(&mut below);
        }
    }

    /// The files and folders in a folder that are to be looked at, by name.
    fn list(&self, path: &[u8]) -> Result<(Vec<WorkspacePath>, Vec<Vec<u8>>), Errno> {
        let folder = self.workspace.root.folder(path, OFlags::RDONLY)?;
        let mut found = names(&folder, self.workspace.max_items().saturating_add(1))?;
        found.sort_unstable();
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for name in found {
            let path = join(path, name.to_bytes());
            // What cannot be kept cannot be named either.
            let kept = String::from_utf8(path).ok().and_then(|text| WorkspacePath::new(text).ok());
            let Some(path) = kept.filter(|path| !is_scratch(path.as_str().as_bytes())) else { continue };
            match statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| file_type(&stat)) {
                Ok(FileType::RegularFile) if self.search.wants_file(path.as_str()) => files.push(path),
                Ok(FileType::Directory) if self.search.wants_folder(path.as_str()) => {
                    folders.push(String::from(path).into_bytes());
                }
                _ => {}
            }
        }
        Ok((files, folders))
    }

    /// Looks at a file; `false` when that was enough.
    fn file(&mut self, path: &WorkspacePath) -> bool {
        match self.read(path) {
            Ok(true) => self.collector.look(&self.search, path, &self.content, self.is_over),
            Ok(false) => {
                self.collector.skip();
                true
            }
            // Gone since.
            Err(Errno::NOENT) => true,
            Err(_) => {
                self.collector.skip();
                true
            }
        }
    }

    /// Reads a file, unless it is too large.
    fn read(&mut self, path: &WorkspacePath) -> Result<bool, Errno> {
        let file = open_regular(&self.workspace.root, path.as_str().as_bytes())?;
        let size = fstat(&file)?.st_size.unsigned_abs();
        if size > MAX_SEARCHED_BYTES {
            return Ok(false);
        }
        self.content.resize(usize::try_from(size).unwrap_or_default(), 0);
        let read = read_at(&file, &mut self.content, 0)?;
        self.content.truncate(read);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::os::unix::fs::symlink;

    use carrel_protocol::Limits;

    use super::*;

    fn query(pattern: &str) -> SearchQuery {
        SearchQuery { pattern: pattern.into(), limit: 100, within_ms: 1000, ..SearchQuery::default() }
    }

    #[test]
    fn every_file_that_is_wanted_is_looked_at_and_no_link_is_followed() {
        let dir = tempfile::tempdir().expect("temp dir");
        let top = dir.path();
        for folder in ["a/b", "node_modules", ".carrel-tmp-x"] {
            fs::create_dir_all(top.join(folder)).expect("mkdir");
        }
        for file in ["a/b/c.py", "a/x.txt", "z", "node_modules/x", ".carrel-tmp-x/y"] {
            fs::write(top.join(file), "one needle\n").expect("write");
        }
        fs::write(top.join("large"), vec![b'n'; 5 << 20]).expect("write");
        fs::write(top.join("binary"), b"needle\0").expect("write");
        symlink("z", top.join("link")).expect("link");
        symlink("/etc", top.join("out")).expect("link");
        let workspace = Workspace::open(top).expect("a workspace");
        let limits =
            Limits { ring_bytes: 1, max_items: 100, max_file_bytes: 1, viewer_stall_ms: 1, ignore: Vec::new() };
        workspace.set_limits(&limits);
        let found = run(&workspace, &query("needle"), &|| false).expect("found");
        let paths: Vec<_> = found.matches.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, ["z", "a/x.txt", "a/b/c.py"]);
        assert_eq!((found.files, found.skipped, found.truncated), (3, 1, false));
        let python = SearchQuery { include: vec!["*.py".into()], ..query("needle") };
        assert_eq!(run(&workspace, &python, &|| false).expect("found").files, 1);
        assert!(matches!(run(&workspace, &query(""), &|| false), Err(AgentError::BadRequest(_))));

        let looks = Cell::new(0);
        let over_soon = || looks.replace(looks.get() + 1) > 2;
        let found = run(&workspace, &query("needle"), &over_soon).expect("found");
        assert!(found.truncated && found.files < 3);
    }

    #[test]
    fn of_stopped_searches_the_newest_are_known() {
        let stopped = Stopped::default();
        (0..100).for_each(|search| stopped.stop(search));
        assert!(stopped.contains(99) && stopped.contains(36) && !stopped.contains(35));
    }
}
