//! An archive that comes as one body, kept as long as its request.

use std::fs::File;
use std::io::{self, Seek, Write};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::room::Room;
use super::{Staging, StagingError};
use crate::model::UserId;

/// A file that grows, without a name: its room on the disk is free with its last handle, however the server ends.
#[derive(Debug)]
pub struct Import {
    file: Option<File>,
    room: Room,
}

impl Staging {
    /// An empty file for an archive.
    ///
    /// # Errors
    /// [`StagingError`].
    pub async fn import(&self, user: UserId) -> Result<Import, StagingError> {
        let room = self.inner.rooms.take(user, 0, false)?;
        let root = self.inner.root.clone();
        let file = away(move || tempfile::tempfile_in(root)).await?;
        Ok(Import { file: Some(file), room })
    }
}

impl Import {
    /// Adds to it.
    ///
    /// # Errors
    /// [`StagingError`].
    pub async fn append(&mut self, chunk: Bytes) -> Result<(), StagingError> {
        self.room.grow(chunk.len() as u64)?;
        let mut file = self.file.take().ok_or_else(|| io::Error::other("an earlier write failed"))?;
        self.file = Some(away(move || file.write_all(&chunk).map(|()| file)).await?);
        Ok(())
    }

    /// A handle at its beginning, which stays good for reading as long as the file is needed.
    ///
    /// # Errors
    /// Of the disk.
    pub fn reader(&self) -> io::Result<File> {
        let file = self.file.as_ref().ok_or_else(|| io::Error::other("an earlier write failed"))?;
        let mut reader = file.try_clone()?;
        reader.rewind()?;
        Ok(reader)
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        // Half a gigabyte takes the disk a while. Without a runtime nobody waits for this thread.
        if let (Some(file), Ok(runtime)) = (self.file.take(), tokio::runtime::Handle::try_current()) {
            drop(runtime.spawn_blocking(move || drop(file)));
        }
    }
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StagingError> {
    match spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(io::Error::other(error).into()),
    }
}
