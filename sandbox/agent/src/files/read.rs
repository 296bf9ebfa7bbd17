//! Reading parts of regular files.

use std::os::fd::OwnedFd;

use bytes::Bytes;
use carrel_protocol::{AgentError, MAX_CHUNK_BYTES, Reply, WorkspacePath};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;

use super::agent_error;
use super::beneath::{Root, file_type};
use super::hash::{read_at, stamp};

/// How often a chunk is read again when the file changed meanwhile.
const TORN_ATTEMPTS: usize = 3;

/// One chunk from `offset`, with the stamp of the content it belongs to.
///
/// # Errors
/// `WrongKind` for anything but a regular file, `Torn` when the file keeps changing.
pub fn chunk(root: &Root, path: &WorkspacePath, offset: u64) -> Result<Reply, AgentError> {
    let file = open_regular(root, path.as_str().as_bytes()).map_err(agent_error)?;
    let mut buffer = vec![0; MAX_CHUNK_BYTES];
    for _ in 0..TORN_ATTEMPTS {
        let before = stamp(&fstat(&file).map_err(agent_error)?);
        if offset >= before.size {
            return Ok(Reply::Chunk { bytes: Bytes::new(), stamp: before });
        }
        let read = read_at(&file, &mut buffer, offset).map_err(agent_error)?;
        if stamp(&fstat(&file).map_err(agent_error)?) == before {
            buffer.truncate(read);
            return Ok(Reply::Chunk { bytes: buffer.into(), stamp: before });
        }
    }
    Err(AgentError::Torn)
}

/// Opens a regular file for reading.
///
/// # Errors
/// `ISDIR` when it is anything else, which is found out before it is opened, so that a pipe's writer sees nothing.
pub fn open_regular(root: &Root, path: &[u8]) -> Result<OwnedFd, Errno> {
    let (parent, name) = root.parent(path)?;
    let must_be_file = |kind| match kind {
        FileType::RegularFile => Ok(()),
        FileType::Symlink => Err(Errno::LOOP),
        _ => Err(Errno::ISDIR),
    };
    must_be_file(file_type(&statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?))?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(&parent, name, flags, Mode::empty())?;
    must_be_file(file_type(&fstat(&file)?))?;
    Ok(file)
}
