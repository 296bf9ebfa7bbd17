//! What there is in a workspace, as frames speak of it.

use serde::{Deserialize, Serialize};

/// BLAKE3 of a file's content.
pub type ContentHash = [u8; 32];

/// One thing in a workspace, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Where. Text, because the receiver must check it.
    pub path: String,
    /// What.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Size in bytes.
        size: u64,
        /// Whether the owner's exec bit is set.
        executable: bool,
        /// BLAKE3 of its content; `None` when it is too large or changed while it was read.
        hash: Option<ContentHash>,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink {
        /// As `readlink` gives it.
        target: String,
    },
    /// Gone (only in [`ToServer::Changed`]); a folder's absence stands for all below it.
    Missing,
    /// There, but cannot be kept; the path is a readable rendering of the name.
    NotKept(NotKept),
}

/// Why something in a workspace is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotKept {
    /// Its name is not UTF-8, too long or too deep.
    Name,
    /// A device, socket or pipe.
    Special,
    /// A link that leaves the workspace.
    EscapingLink,
    /// Its owner took the right to read it away. Of a folder, nothing below is listed, and nothing is known about it.
    Unreadable,
}

/// Identity of one unbroken content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Size in bytes.
    pub size: u64,
    /// Inode number.
    pub inode: u64,
    /// Modification time, nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// Status-change time, nanoseconds since the epoch.
    pub ctime_ns: i64,
    /// Whether the owner's exec bit is set.
    pub executable: bool,
}
