//! Workspaces on disk: one ext4 file system in a sparse file for each sandbox, so that what programs write survives the death of their
//! container.
//!
//! ```text
//! <data>/volumes/<sandbox>/   0700, ours
//!   image                     the file system, mounted by way of a loop device
//!   mnt/                      where; lost+found lies here, out of a sandbox's sight
//!   mnt/workspace/            uid 1000: becomes /workspace in the sandbox
//!   filled                    present once the whole workspace was put in: from then on the volume may know more than the database
//! ```
//!
//! **What is promised.** A volume holds what its container had written when that ended, whatever ended it, for as long as the machine runs,
//! and over a shutdown of the machine. It has neither journal nor barriers, so that an `fsync` in a sandbox waits for no disk: when the
//! machine itself fails, the database alone tells what was saved. A file system that was not unmounted is therefore never believed
//! ([`VolumeError::Lost`]): it may hold an older content than one that was acknowledged.
//!
//! **Architecture invariant**: knows neither containers nor actors nor the database. What is below `mnt` is never read or written here; only
//! its mount is looked at. The folder a sandbox is given exists only while its file system is mounted, so that no container can be started
//! on the bare folder below, which has no bound.

mod geometry;
mod tool;
mod volume;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::SandboxId;

pub use geometry::Geometry;
pub use volume::Volume;

/// MiB and inodes of the volume by which it is found out whether there can be any.
const PROBE: Geometry = Geometry { disk_mb: 4, inodes: 64 };

/// Why there is no volume.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// A program failed.
    #[error("{program} failed: {why}")]
    Tool {
        /// Which.
        program: &'static str,
        /// Its last words, or why it could not be run.
        why: String,
    },
    /// A program took too long.
    #[error("{program} did not end within {} s", .patience.as_secs())]
    Stuck {
        /// Which.
        program: &'static str,
        /// How long it had.
        patience: Duration,
    },
    /// A file, folder or mount.
    #[error("cannot {action} {path}: {why}", path = path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        why: io::Error,
    },
    /// The data directory's disk could not hold it were it full.
    #[error("{path} has {free_mb} MiB left, and a workspace may need {needed_mb}: make room, or set sandbox.storage = \"memory\"", path = path.display())]
    NoRoom {
        /// Where.
        path: PathBuf,
        /// What is left there, in MiB.
        free_mb: u64,
        /// What the volume may come to take, in MiB.
        needed_mb: u64,
    },
    /// Its container sees another folder than this volume.
    #[error("the container engine does not see what Carrel mounts; set sandbox.storage = \"memory\"")]
    Unseen,
    /// Something of it is still open.
    #[error("{path} is still in use", path = .0.display())]
    InUse(PathBuf),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// It is no longer what it was when its container ended.
    #[error("{0}")]
    Lost(&'static str),
}

impl VolumeError {
    fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |why| Self::File { action, path, why }
    }
}

/// All volumes of a data directory.
#[derive(Clone, Debug)]
pub struct Volumes {
    root: PathBuf,
}

impl Volumes {
    /// Those below the data directory `data`; touches nothing.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self { root: data.join("volumes") }
    }

    /// The volume of a sandbox, whether there is one or not.
    #[must_use]
    pub fn of_sandbox(&self, sandbox: SandboxId) -> Volume {
        Volume::at(self.root.join(sandbox.0.simple().to_string()))
    }

    /// The sandboxes that have one.
    ///
    /// # Errors
    /// When the folder cannot be read; that there is none yet is no error.
    pub fn list(&self) -> Result<Vec<SandboxId>, VolumeError> {
        match fs::read_dir(&self.root) {
            Ok(entries) => Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(VolumeError::file("list", &self.root)(error)),
        }
    }

    /// Makes a small one and removes it again.
    ///
    /// # Errors
    /// Why there can be none on this machine.
    pub async fn probe(&self) -> Result<(), VolumeError> {
        let probe = self.of_probe();
        // What a server that was killed in the middle of this has left.
        probe.remove().await?;
        let made = probe.create(PROBE).await;
        probe.remove().await?;
        made
    }

    /// Removes all of them, mounted or not, and their folder.
    ///
    /// # Errors
    /// [`VolumeError`] of the first that stays.
    pub async fn remove_all(&self) -> Result<(), VolumeError> {
        self.of_probe().remove().await?;
        for sandbox in self.list()? {
            self.of_sandbox(sandbox).remove().await?;
        }
        match fs::remove_dir(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(VolumeError::file("remove", &self.root)(error))
            }
            _ => Ok(()),
        }
    }

    fn of_probe(&self) -> Volume {
        Volume::at(self.root.join("probe"))
    }
}
