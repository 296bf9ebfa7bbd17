//! One file that comes in chunks.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{Staged, Staging, StagingError, disk, lock};
use crate::model::{SessionId, UserId, WorkspacePath};

/// What an upload is to become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUpload {
    /// Whose workspace.
    pub session: SessionId,
    /// Who sends it.
    pub user: UserId,
    /// Where it goes.
    pub path: WorkspacePath,
    /// Bytes it will have.
    pub size: u64,
    /// Whether it may be run; `None` leaves that as it is.
    pub executable: Option<bool>,
    /// Whether it may replace what is there.
    pub replace: bool,
}

/// An upload as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: Uuid,
    /// What it is to become.
    pub new: NewUpload,
    /// Bytes that are there.
    pub offset: u64,
}

/// An upload nobody else writes to while this is held.
#[derive(Debug)]
pub struct Held {
    pub(super) staging: Staging,
    pub(super) id: Uuid,
    staged: Arc<Staged>,
    written: OwnedMutexGuard<u64>,
}

impl Staging {
    /// Begins an upload.
    ///
    /// # Errors
    /// [`StagingError`].
    pub async fn begin(&self, new: NewUpload) -> Result<Upload, StagingError> {
        let room = self.inner.rooms.take(new.user, new.size, true)?;
        let id = Uuid::new_v4();
        let (root, upload) = (self.inner.root.clone(), new.clone());
        away(move || disk::begin(&root, id, &upload)).await?;
        let (written, touched) = (Arc::default(), SystemTime::now().into());
        self.inner.uploads().insert(id, Arc::new(Staged { upload: new.clone(), written, touched, _room: room }));
        Ok(Upload { id, new, offset: 0 })
    }

    /// An upload as it is.
    ///
    /// # Errors
    /// [`StagingError::NotFound`]; [`StagingError::Busy`] while a chunk is being taken.
    pub fn upload(&self, id: Uuid, session: SessionId, user: UserId) -> Result<Upload, StagingError> {
        let held = self.hold(id, session, user)?;
        Ok(Upload { id, new: held.staged.upload.clone(), offset: *held.written })
    }

    /// Takes hold of an upload, to add to it or to end it.
    ///
    /// # Errors
    /// As [`Staging::upload`].
    pub fn hold(&self, id: Uuid, session: SessionId, user: UserId) -> Result<Held, StagingError> {
        let staged = self.find(id, session, user)?;
        let written = Arc::clone(&staged.written).try_lock_owned().map_err(|_| StagingError::Busy)?;
        // It may have ended between the two.
        self.find(id, session, user)?;
        Ok(Held { staging: self.clone(), id, staged, written })
    }
}

impl Held {
    /// What it is to become.
    #[must_use]
    pub fn upload(&self) -> &NewUpload {
        &self.staged.upload
    }

    /// Whether a chunk of `length` bytes at `offset` is the next, and no longer than what is missing.
    ///
    /// # Errors
    /// [`StagingError::WrongOffset`], [`StagingError::TooLong`].
    pub fn check(&self, offset: u64, length: u64) -> Result<(), StagingError> {
        if offset != *self.written {
            return Err(StagingError::WrongOffset(*self.written));
        }
        if length > self.staged.upload.size - offset { Err(StagingError::TooLong) } else { Ok(()) }
    }

    /// Adds a chunk; answers when it is on the disk. How many bytes are there.
    ///
    /// # Errors
    /// As [`Held::check`], and of the disk.
    pub async fn append(&mut self, offset: u64, chunk: Bytes) -> Result<u64, StagingError> {
        self.check(offset, chunk.len() as u64)?;
        *lock(&self.staged.touched) = SystemTime::now();
        let (root, id, length) = (self.staging.inner.root.clone(), self.id, chunk.len() as u64);
        away(move || disk::append(&root, id, offset, &chunk)).await?;
        *self.written += length;
        Ok(*self.written)
    }

    /// Whether all of it is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self.written == self.staged.upload.size
    }

    /// All of it.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn content(&self) -> Result<Bytes, StagingError> {
        let (root, id) = (self.staging.inner.root.clone(), self.id);
        Ok(away(move || disk::read_content(&root, id)).await?.into())
    }

    /// Ends it.
    pub async fn remove(self) {
        self.staging.inner.uploads().remove(&self.id);
        disk::remove_later(&self.staging.inner.root, self.id).await;
    }
}

async fn away<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, StagingError> {
    match spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(std::io::Error::other(error).into()),
    }
}
