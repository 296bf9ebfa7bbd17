//! A file that takes up room so that there is some when the disk is full.
//!
//! A PostgreSQL whose disk is full may need room to recover: without any, even deleting rows fails, for good. Then the ballast is
//! removed, and made again once there is plenty of room.

use std::fs;
use std::io;
use std::path::Path;

use nix::fcntl::{OFlag, open, posix_fallocate};
use nix::sys::stat::Mode;
use nix::sys::statvfs::statvfs;

/// One segment of the write-ahead log: the unit PostgreSQL asks the disk for.
const BALLAST_BYTES: u64 = 16 * 1024 * 1024;
/// Less free space than this is a full disk.
const FULL_BELOW_BYTES: u64 = 8 * 1024 * 1024;

/// Makes the ballast if it is missing and there is ten times its room.
pub(super) fn keep(dir: &Path) {
    let path = dir.join("ballast");
    if path.exists() || free_bytes(dir).is_none_or(|free| free < 10 * BALLAST_BYTES) {
        return;
    }
    let result = open(&path, OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::S_IRUSR | Mode::S_IWUSR)
        .and_then(|file| posix_fallocate(file, 0, BALLAST_BYTES.cast_signed()));
    if let Err(error) = result {
        tracing::warn!(%error, path = %path.display(), "cannot make the ballast file");
        let _ = fs::remove_file(&path);
    }
}

/// Removes the ballast if the disk is full. Whether it did.
pub(super) fn release_if_full(dir: &Path) -> bool {
    free_bytes(dir).is_some_and(|free| free < FULL_BELOW_BYTES) && fs::remove_file(dir.join("ballast")).is_ok()
}

/// Does `work`, and once more without the ballast when the disk is full.
pub(super) fn retry_when_full(dir: &Path, work: impl Fn() -> io::Result<()>) -> io::Result<()> {
    match work() {
        Err(error) if error.kind() == io::ErrorKind::StorageFull && release_if_full(dir) => work(),
        result => result,
    }
}

fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = statvfs(dir).ok()?;
    Some(stat.blocks_available().saturating_mul(stat.fragment_size()))
}
