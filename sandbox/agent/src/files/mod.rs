//! The workspace's files, as an attacker who owns them must not be able to bend them.
//!
//! **Invariant**: every path is resolved below one descriptor of the workspace, and no symbolic link is
//! ever followed. Nothing here is async; the callers are the lanes of [`crate::lanes`].

pub mod beneath;
pub mod entry;
pub mod hash;
pub mod ignore;
pub mod read;

pub mod conflict;
pub mod scratch;
pub mod upload;
pub mod write;

pub mod scan;

use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use carrel_protocol::{AgentError, Limits};
use rustix::io::Errno;

/// The workspace as all lanes share it.
#[derive(Debug)]
pub struct Workspace {
    /// Its root.
    pub root: Arc<beneath::Root>,
    /// Hashes of files that have settled.
    pub hashes: hash::HashCache,
    max_file_bytes: AtomicU64,
    /// The largest file the server has put in, which was saved under another limit perhaps.
    placed_bytes: AtomicU64,
    max_items: AtomicU32,
    /// The server's own patterns of what is ignored; another allocation is another set.
    ignore: Mutex<Arc<[String]>>,
}

impl Workspace {
    /// Opens the workspace; until the server says otherwise nothing in it is hashed.
    ///
    /// # Errors
    /// When it is not a folder that can be opened.
    pub fn open(path: &Path) -> Result<Arc<Self>, Errno> {
        Ok(Arc::new(Self {
            root: Arc::new(beneath::Root::open(path)?),
            hashes: hash::HashCache::default(),
            max_file_bytes: AtomicU64::new(0),
            placed_bytes: AtomicU64::new(0),
            max_items: AtomicU32::new(u32::MAX),
            ignore: Mutex::new(Arc::new([])),
        }))
    }

    /// Takes over the server's bounds.
    pub fn set_limits(&self, limits: &Limits) {
        self.max_file_bytes.store(limits.max_file_bytes, Ordering::Relaxed);
        self.max_items.store(limits.max_items, Ordering::Relaxed);
        let mut ignore = self.ignore.lock().unwrap_or_else(PoisonError::into_inner);
        if **ignore != *limits.ignore {
            *ignore = limits.ignore.as_slice().into();
        }
    }

    /// Largest file hashed: what the server puts in is, whatever the limit.
    #[must_use]
    pub fn max_file_bytes(&self) -> u64 {
        self.max_file_bytes.load(Ordering::Relaxed).max(self.placed_bytes.load(Ordering::Relaxed))
    }

    /// The server puts in a file of this size.
    pub fn note_placed(&self, size: u64) {
        self.placed_bytes.fetch_max(size, Ordering::Relaxed);
    }

    /// The server's own patterns of what is ignored.
    #[must_use]
    pub fn ignore(&self) -> Arc<[String]> {
        Arc::clone(&self.ignore.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Most items a listing may have.
    #[must_use]
    pub fn max_items(&self) -> usize {
        self.max_items.load(Ordering::Relaxed) as usize
    }
}

/// What the server is told about a failed system call.
#[must_use]
pub fn agent_error(errno: Errno) -> AgentError {
    match errno {
        Errno::NOENT => AgentError::NotFound,
        Errno::EXIST | Errno::NOTEMPTY => AgentError::Exists,
        Errno::NOTDIR | Errno::ISDIR => AgentError::WrongKind,
        Errno::LOOP | Errno::XDEV => AgentError::Refused,
        Errno::NOSPC | Errno::DQUOT => AgentError::NoSpace,
        Errno::OVERFLOW => AgentError::TooMany,
        Errno::NAMETOOLONG => AgentError::BadRequest("the name is too long for this file system".to_owned()),
        other => AgentError::Os(other.raw_os_error()),
    }
}

/// The path of `name` in `folder`, which is empty for the root.
#[must_use]
pub fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, name].join(&b'/') }
}
