//! An archive that comes as one body, kept as long as its request.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::PathBuf;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::room::Room;
use super::{Staging, StagingError, disk};
use crate::model::UserId;

/// A file that grows; removed when dropped.
#[derive(Debug)]
pub struct Import {
    path: PathBuf,
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
        let path = self.inner.root.join(format!("{}.import", Uuid::new_v4()));
        let mut import = Import { path: path.clone(), file: None, room };
        import.file = Some(away(move || disk::create(&path)).await?);
        Ok(import)
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
        let path = std::mem::take(&mut self.path);
        // What is left is removed at the next start.
        let remove = move || std::fs::remove_file(path).unwrap_or(());
        match tokio::runtime::Handle::try_current() {
            // Half a gigabyte takes the disk a while.
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StagingError> {
    match spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(io::Error::other(error).into()),
    }
}
