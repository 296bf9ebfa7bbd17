//! What users send that is not a file of theirs yet: uploads that come in chunks, archives that are to be imported.
//!
//! ```text
//! <data>/staging/<id>.upload   what has come       <id>.json   what it is to become
//! <data>/staging/<id>.done     what was answered when it had become a file; kept for an hour
//! ```
//!
//! An archive that is to be imported lies there, too, in a file without a name, which is gone with its request.
//!
//! **Architecture invariant**: knows no HTTP, no actors, no database. Everything announced counts against a bound for its user and for all
//! before a byte is taken, so that the disk never fills; nothing stays that nobody has touched for a day. An upload survives a restart: its
//! offset is the length of its file, of which every chunk was synced before it was answered.

mod disk;
mod finished;
mod import;
mod room;
mod upload;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

pub use finished::{ANSWERS_KEPT, Finished};
pub use import::Import;
pub use upload::{Held, NewUpload, Upload};

use self::finished::Answers;
use self::room::{Room, Rooms};
use crate::model::{SessionId, UserId};

/// How long what nobody touches stays.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What may be staged.
#[derive(Clone, Copy, Debug)]
pub struct StagingBounds {
    /// Bytes of everybody; one user may have a part of them.
    pub bytes: u64,
    /// Uploads of one user.
    pub uploads: usize,
}

/// Why something is not staged.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// Absent, somebody else's, or over.
    #[error("there is no such upload")]
    NotFound,
    /// Their number.
    #[error("you have {0} uploads under way, which is as many as you may")]
    TooManyUploads(usize),
    /// Their bytes.
    #[error("what you are sending has more bytes together than may be under way")]
    TooManyBytes,
    /// Everybody's bytes.
    #[error("too much is being sent at the moment")]
    Full,
    /// Another chunk is being written.
    #[error("another chunk of this upload is being taken")]
    Busy,
    /// A chunk that does not follow what is there.
    #[error("the next chunk begins at {0}")]
    WrongOffset(u64),
    /// A chunk beyond the end.
    #[error("the chunk goes beyond the size that was announced")]
    TooLong,
    /// The server's disk.
    #[error("the server's disk failed: {0}")]
    Disk(#[from] io::Error),
}

/// The staging area. Clones are the same.
#[derive(Clone, Debug)]
pub struct Staging {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    rooms: Rooms,
    uploads: Mutex<HashMap<Uuid, Arc<Staged>>>,
    answers: Mutex<Answers>,
}

/// An upload under way.
#[derive(Debug)]
struct Staged {
    upload: NewUpload,
    /// Bytes that are there; held while a chunk is written, and while the upload becomes a file.
    written: Arc<tokio::sync::Mutex<u64>>,
    touched: Mutex<SystemTime>,
    _room: Room,
}

impl Staging {
    /// Makes or finds the area at `root`; what was left there by requests that have ended goes. Blocks.
    ///
    /// # Errors
    /// Of the file system.
    pub fn open(root: &Path, bounds: StagingBounds) -> io::Result<Self> {
        disk::make_root(root)?;
        let rooms = Rooms::new(bounds);
        let mut uploads = HashMap::new();
        let left = disk::read_all(root)?;
        for (id, found) in left.uploads {
            // What the bounds no longer admit goes, and so does what is too old.
            match rooms.take(found.upload.user, found.upload.size, true) {
                Ok(room) if !is_old(found.touched) => {
                    let written = Arc::new(tokio::sync::Mutex::new(found.written));
                    let touched = Mutex::new(found.touched);
                    uploads.insert(id, Arc::new(Staged { upload: found.upload, written, touched, _room: room }));
                }
                _ => disk::remove(root, id),
            }
        }
        let (answers, gone) = Answers::of(left.answers);
        gone.into_iter().for_each(|id| disk::remove_answer(root, id));
        let (uploads, answers) = (Mutex::new(uploads), Mutex::new(answers));
        Ok(Self { inner: Arc::new(Inner { root: root.to_owned(), rooms, uploads, answers }) })
    }

    /// Removes what nobody has touched for a day, how many; and answers nobody will ask for any more.
    pub async fn sweep(&self) -> usize {
        let unasked = lock(&self.inner.answers).forget_old();
        disk::remove_answers(&self.inner.root, unasked).await;
        let old: Vec<_> = {
            let mut uploads = self.inner.uploads();
            let old = uploads.iter().filter(|(_, staged)| is_old(*lock(&staged.touched)));
            let ids: Vec<_> = old.map(|(id, _)| *id).collect();
            ids.iter().filter_map(|id| Some((*id, uploads.remove(id)?))).collect()
        };
        let count = old.len();
        for (id, staged) in old {
            // A chunk that is being written ends first.
            let _written = staged.written.lock().await;
            disk::remove_later(&self.inner.root, id).await;
        }
        count
    }

    fn find(&self, id: Uuid, session: SessionId, user: UserId) -> Result<Arc<Staged>, StagingError> {
        let found = self.inner.uploads().get(&id).cloned();
        let is_theirs = |staged: &Arc<Staged>| staged.upload.session == session && staged.upload.user == user;
        found.filter(is_theirs).ok_or(StagingError::NotFound)
    }
}

impl Inner {
    fn uploads(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Staged>>> {
        lock(&self.uploads)
    }
}

/// Whether nobody has touched it for so long that it goes. What was touched in a future, by a clock that has been put right since, is young.
fn is_old(touched: SystemTime) -> bool {
    touched.elapsed().is_ok_and(|age| age >= KEPT)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that may panic is done with it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
