//! The lane that looks at the workspace as a whole: it watches, lists and hashes, one job at a time.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use carrel_protocol::{AgentError, Entry, EntryKind, MAX_PAGE_ENTRIES, Reply, WorkspacePath};
use rustix::io::Errno;

use crate::dirty::Dirty;
use crate::files::Workspace;
use crate::files::beneath::split;
use crate::files::entry::{Seen, describe};
use crate::files::ignore::Rules;
use crate::files::scan::{PAGE_BYTES, encoded, scan};
use crate::watch::{Drained, Watch};

/// Watches, and what they have found that the server has not been told.
#[derive(Debug)]
pub struct Tree {
    workspace: Arc<Workspace>,
    watch: Watch,
    dirty: Dirty,
    rules: Rules,
    /// The server's own patterns, as the rules have them.
    own: Arc<[String]>,
    /// An ignore file changed: what is watched is no longer what is kept, and only a listing tells the server what is.
    outdated: bool,
}

/// The next batch for the server.
#[derive(Debug, Default)]
pub struct Batch {
    /// The state of each changed path, now.
    pub entries: Vec<Entry>,
    /// Changes were missed.
    pub rescan: bool,
    /// More paths are waiting.
    pub more: bool,
    /// Some of the files changed while they were hashed and are to be looked at again soon.
    pub unsettled: bool,
}

impl Tree {
    /// Sees nothing yet.
    #[must_use]
    pub fn new(workspace: Arc<Workspace>, watch: Watch) -> Self {
        Self {
            workspace,
            watch,
            dirty: Dirty::new(usize::MAX),
            rules: Rules::default(),
            own: Arc::new([]),
            outdated: false,
        }
    }

    /// Begins to watch; what is there already is not news.
    pub fn start(&mut self, link_dir: &Path) {
        self.watch.add_link_dir(link_dir);
        self.watch.add(Vec::new(), &mut self.dirty, &mut self.rules);
        self.dirty.clear();
    }

    /// Takes the events that have arrived.
    pub fn drain(&mut self) -> Drained {
        self.dirty.set_limit(self.workspace.max_items());
        self.watch.set_limit(self.workspace.max_items());
        self.take_own();
        let drained = self.watch.drain(&mut self.dirty, &mut self.rules);
        self.outdated |= drained.rules;
        drained
    }

    /// Takes over the server's own patterns where it has given others. What they mean for what is there, its first listing tells.
    fn take_own(&mut self) {
        let own = self.workspace.ignore();
        if !Arc::ptr_eq(&own, &self.own) {
            self.rules.set_own(&own);
            self.own = own;
            self.watch.renew(&mut Dirty::new(0), &mut self.rules);
        }
    }

    /// Judges by what ignore files say now.
    fn renew(&mut self) {
        self.outdated = false;
        self.rules.forget();
        self.watch.renew(&mut self.dirty, &mut self.rules);
    }

    /// Has the server list everything, because watching alone does not tell; tries again to watch it all.
    pub fn lose_track(&mut self) -> Drained {
        self.dirty.lose_track();
        Drained { blind: self.watch.retry(&mut self.dirty, &mut self.rules), ..Drained::default() }
    }

    /// Forgets what changed so far: all of it was the server's own doing.
    pub fn settle(&mut self) {
        while self.drain().more {}
        if self.outdated {
            self.renew();
        }
        self.dirty.clear();
    }

    /// The next batch; one the server never took is part of it.
    pub fn batch(&mut self) -> Batch {
        self.take_own();
        if self.outdated {
            self.renew();
            self.dirty.lose_track();
        }
        let (paths, lost_track) = self.dirty.take(MAX_PAGE_ENTRIES);
        let mut batch = Batch { rescan: lost_track, ..Batch::default() };
        let (mut gone, mut bytes, mut later) = (BTreeSet::new(), 0, Vec::new());
        for (path, vanished) in paths {
            if bytes > PAGE_BYTES {
                batch.more = true;
                later.push((path, vanished));
                continue;
            }
            if has_ancestor_in(&path, &gone) {
                continue;
            }
            if self.rules.is_below_ignored(&self.workspace.root, &path) {
                continue;
            }
            match self.look(&path) {
                Ok(Some(seen)) => {
                    // Another than the one that went away: what that held and this does not is told by nothing else.
                    batch.rescan |= vanished && seen.entry.kind == EntryKind::Folder;
                    bytes += encoded(&seen.entry).map_or(0, |encoded| encoded.len());
                    batch.entries.push(seen.entry);
                    if seen.unsettled {
                        batch.unsettled = true;
                        later.push((path, vanished));
                    }
                }
                Ok(None) => {
                    batch.entries.push(Seen::missing(&path, &self.workspace.root, &mut self.rules).entry);
                    gone.insert(path);
                }
                // Nobody may look there any more, so there is nothing to tell.
                Err(Errno::ACCESS) => {}
                Err(_) => batch.rescan = true,
            }
        }
        batch.more |= !self.dirty.is_empty();
        for (path, vanished) in later {
            if vanished {
                self.dirty.mark_vanished(path);
            } else {
                self.dirty.mark(path);
            }
        }
        batch
    }

    /// The server has taken the batch.
    pub fn taken(&mut self) {
        self.dirty.taken();
    }

    /// Lists the whole workspace.
    ///
    /// # Errors
    /// As [`scan`].
    pub fn scan(&mut self, emit: &mut dyn FnMut(Vec<Entry>) -> Result<(), AgentError>) -> Result<Reply, AgentError> {
        self.take_own();
        scan(&self.workspace, &mut self.rules, emit)
    }

    /// Which of these are gone for certain. Where ignore files have just changed that is none, and a listing is due.
    ///
    /// # Errors
    /// `TooMany`.
    pub fn are_gone(&mut self, items: &[(WorkspacePath, bool)]) -> Result<Reply, AgentError> {
        if items.len() > MAX_PAGE_ENTRIES {
            return Err(AgentError::TooMany);
        }
        let gone = |(path, folder): &(WorkspacePath, bool)| {
            let path = path.as_str().as_bytes();
            let absent = matches!(self.workspace.root.stat(path), Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP));
            absent && !self.outdated && !self.rules.is_ignored(&self.workspace.root, path, *folder)
        };
        Ok(Reply::Gone(items.iter().map(gone).collect()))
    }

    /// What is at `path`; `None` when nothing is.
    fn look(&mut self, path: &[u8]) -> Result<Option<Seen>, Errno> {
        let parent = match self.workspace.root.parent(path) {
            Ok((parent, _)) => parent,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        match describe(parent, path, &self.workspace, &mut self.rules) {
            Err(Errno::NOENT) => Ok(None),
            other => other,
        }
    }
}

fn has_ancestor_in(path: &[u8], gone: &BTreeSet<Vec<u8>>) -> bool {
    let mut folder = split(path).0;
    while !gone.is_empty() && !folder.is_empty() {
        if gone.contains(folder) {
            return true;
        }
        folder = split(folder).0;
    }
    false
}
