//! Why an archive is refused. Nothing of it is kept then.

use std::io;

use carrel_protocol::{PathError, WorkspacePath};

/// Characters of a name that are shown.
const SHOWN_CHARS: usize = 120;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum BadArchive {
    /// The structure is broken.
    #[error("it cannot be read: {0}")]
    Malformed(String),
    /// It uses what is not supported.
    #[error("it uses what is not supported: {0}")]
    Unsupported(String),
    /// Over [`crate::Bounds::max_items`].
    #[error("it holds more than {0} files and folders")]
    TooManyItems(u64),
    /// Over [`crate::Bounds::max_bytes`].
    #[error("its files have more than {0} bytes together")]
    TooManyBytes(u64),
    /// A bomb: so much from so little.
    #[error("it unpacks to {bytes} bytes from {archive_bytes}, which no honest archive does")]
    Ratio {
        /// What it would unpack to.
        bytes: u64,
        /// Its own size.
        archive_bytes: u64,
    },
    /// A bomb: entries that share their bytes.
    #[error("{0} shares its bytes with another entry")]
    Overlap(WorkspacePath),
    /// A name that leads out, or breaks another rule.
    #[error("{name:?} is no name for a file here: {why}")]
    Name {
        /// As it may be shown.
        name: String,
        /// The rule.
        why: PathError,
    },
    /// A device, pipe or socket.
    #[error("{0} is a device, a pipe or a socket")]
    Special(WorkspacePath),
    /// A link out of the workspace.
    #[error("{path} is a link that leads out: {target:?}")]
    LeadsOut {
        /// The link.
        path: WorkspacePath,
        /// Its target, as it may be shown.
        target: String,
    },
    /// Two things of one name.
    #[error("{0} is in it twice")]
    Twice(WorkspacePath),
    /// Something lies in what is no folder, such as a link.
    #[error("{0} is no folder, and something lies in it")]
    NotFolder(WorkspacePath),
    /// A content is not what the directory says.
    #[error("the content of {0} is damaged")]
    Damaged(WorkspacePath),
    /// Finding out what is in it would take too long.
    #[error("it takes too much work to read")]
    TooMuchWork,
    /// The server's own disk.
    #[error("it could not be read on the server")]
    Disk(#[source] io::Error),
}

impl BadArchive {
    pub(crate) fn malformed(error: impl std::fmt::Display) -> Self {
        Self::Malformed(shown(error.to_string().as_bytes()))
    }
}

/// A text of the archive's as it may be shown: no control characters, not long.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).take(SHOWN_CHARS).collect()
}
