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
    /// Gone (only in [`crate::ToServer::Changed`]); a folder's absence stands for all below it. Of what is ignored it means only that
    /// nothing is there: what was kept of it stays.
    Missing {
        /// A file (or link) of this name is ignored.
        ignored_file: bool,
        /// A folder of this name is ignored.
        ignored_folder: bool,
    },
    /// There, but not kept; the path is a readable rendering of the name.
    NotKept {
        /// Why.
        why: NotKept,
        /// What it looks like.
        shape: Shape,
    },
}

/// What something that is not kept looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Anything else.
    Other,
}

/// An ignore file that is not obeyed: none of its patterns counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disobeyed {
    /// Which; a readable rendering.
    pub path: String,
    /// Why.
    pub why: Unusable,
}

/// Why an ignore file is not obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unusable {
    /// It is larger than [`crate::rules::MAX_IGNORE_FILE_BYTES`].
    TooLarge,
    /// It, or all of them together, have more patterns than [`crate::rules::MAX_PATTERNS`].
    TooManyPatterns,
    /// Its patterns take too long to be matched.
    TooSlow,
    /// It is no regular file, may not be read, or is not UTF-8.
    Unreadable,
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
    /// A pattern of an ignore file, or of the server's own, matches it. Of a folder, nothing below is listed or watched.
    Ignored,
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
