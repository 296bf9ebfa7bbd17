//! Files and folders of a workspace.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;

pub use carrel_protocol::WorkspacePath;

/// BLAKE3 of a content; its hexadecimal form is the file's `ETag`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

impl FromStr for ContentHash {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash)?;
        Ok(Self(hash))
    }
}

/// One thing in a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub path: WorkspacePath,
    /// What it is.
    pub kind: ItemKind,
    /// When its content, target or existence last changed.
    pub modified_at: OffsetDateTime,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A regular file.
    File {
        /// Its content.
        hash: ContentHash,
        /// Its size in bytes.
        size: u64,
        /// Whether it may be run as a program.
        executable: bool,
    },
    /// A folder.
    Folder,
    /// A symbolic link inside the workspace.
    Symlink {
        /// As `readlink` gives it.
        target: String,
    },
}

impl ItemKind {
    /// The content of a file; `None` for anything else.
    #[must_use]
    pub fn hash(&self) -> Option<ContentHash> {
        match self {
            Self::File { hash, .. } => Some(*hash),
            _ => None,
        }
    }

    /// Bytes it counts against the workspace's quota.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            _ => 0,
        }
    }
}

/// What a writer requires of the file that is there (`If-Match`, `If-None-Match: *`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    None,
    /// There is no such file yet.
    Absent,
    /// The file has this content.
    Content(ContentHash),
}

impl Precondition {
    /// Whether `current` (the content there now, if any) satisfies it.
    #[must_use]
    pub fn holds(self, current: Option<ContentHash>) -> bool {
        match self {
            Self::None => true,
            Self::Absent => current.is_none(),
            Self::Content(hash) => current == Some(hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precondition_holds_only_for_what_it_names() {
        let (one, two) = (ContentHash::of(b"1"), ContentHash::of(b"2"));
        for (precondition, current, holds) in [
            (Precondition::None, None, true),
            (Precondition::None, Some(one), true),
            (Precondition::Absent, None, true),
            (Precondition::Absent, Some(one), false),
            (Precondition::Content(one), Some(one), true),
            (Precondition::Content(one), Some(two), false),
            (Precondition::Content(one), None, false),
        ] {
            assert_eq!(precondition.holds(current), holds, "{precondition:?} {current:?}");
        }
    }

    #[test]
    fn a_hash_is_read_back_from_its_text() {
        let hash = ContentHash::of(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("zz".parse::<ContentHash>().is_err());
    }
}
