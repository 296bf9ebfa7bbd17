//! Listing the whole workspace, or saying that it could not be done.
//!
//! **Invariant**: a listing that ends with `Scanned` is whole. Any error but a vanished entry fails it, so
//! that a short listing can never be taken for "the user deleted everything".

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::vec::IntoIter;

use carrel_protocol::{AgentError, Entry, MAX_PAGE_ENTRIES, Reply};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::entry::describe;
use super::scratch::names;
use super::{Workspace, agent_error, join};

/// Encoded size at which a page is sent even if it has few entries: half a frame.
pub const PAGE_BYTES: usize = 256 * 1024;

/// One open folder on the way down.
struct Level {
    folder: OwnedFd,
    path: Vec<u8>,
    names: IntoIter<CString>,
}

/// What has been listed so far.
struct Listing<'e> {
    emit: &'e mut dyn FnMut(Vec<Entry>) -> Result<(), AgentError>,
    page: Vec<Entry>,
    page_bytes: usize,
    count: u64,
    hasher: blake3::Hasher,
}

/// Lists everything, parents before children and siblings in byte order, handing each page to `emit`.
///
/// # Errors
/// `TooMany`, what `emit` says, or the first error of a system call.
pub fn scan(
    workspace: &Workspace,
    emit: &mut dyn FnMut(Vec<Entry>) -> Result<(), AgentError>,
) -> Result<Reply, AgentError> {
    let most = workspace.max_items();
    let mut listing = Listing { emit, page: Vec::new(), page_bytes: 0, count: 0, hasher: blake3::Hasher::new() };
    let top = workspace.root.folder(b"", OFlags::RDONLY).map_err(agent_error)?;
    let mut levels = vec![Level::open(top, Vec::new(), most).map_err(agent_error)?];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.names.next() else {
            levels.pop();
            continue;
        };
        let path = join(&level.path, name.to_bytes());
        let seen = match describe(&level.folder, &path, workspace.max_file_bytes(), &workspace.hashes) {
            Ok(Some(seen)) => seen,
            Ok(None) | Err(Errno::NOENT) => continue,
            Err(errno) => return Err(agent_error(errno)),
        };
        listing.add(seen.entry, most as u64)?;
        if seen.folder {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&level.folder, &*name, flags, Mode::empty()) {
                Ok(folder) => levels.push(Level::open(folder, path, most).map_err(agent_error)?),
                // Gone or replaced since it was described; the watch tells what became of it.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(errno) => return Err(agent_error(errno)),
            }
        }
    }
    listing.flush()?;
    Ok(Reply::Scanned { count: listing.count, hash: *listing.hasher.finalize().as_bytes() })
}

impl Level {
    fn open(folder: OwnedFd, path: Vec<u8>, most: usize) -> Result<Self, Errno> {
        // One more for the agent's own scratch folder, which is not listed.
        let mut names = names(&folder, most.saturating_add(1))?;
        names.sort_unstable();
        Ok(Self { folder, path, names: names.into_iter() })
    }
}

impl Listing<'_> {
    fn add(&mut self, entry: Entry, most: u64) -> Result<(), AgentError> {
        if self.count >= most {
            return Err(AgentError::TooMany);
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
