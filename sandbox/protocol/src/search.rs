//! Searching the workspace's files: what is looked for and what was found.

use serde::{Deserialize, Serialize};

use crate::WorkspacePath;

/// Longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// Globs of either kind.
pub const MAX_GLOBS: usize = 32;

/// Longest glob, in bytes.
pub const MAX_GLOB_BYTES: usize = 256;

/// Matches of one search. Those of one answer also take no more than [`MAX_FOUND_BYTES`].
pub const MAX_MATCHES: u32 = 2000;

/// Bytes all matches of an answer take together: well within a frame.
pub const MAX_FOUND_BYTES: usize = 384 * 1024;

/// Larger files are not searched.
pub const MAX_SEARCHED_BYTES: u64 = 4 * 1024 * 1024;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchQuery {
    /// A text or a regular expression, for one line.
    pub pattern: String,
    /// Which of them.
    pub regex: bool,
    /// Whether case matters.
    pub case: bool,
    /// Whole words only.
    pub word: bool,
    /// Only files that one of these globs matches; all when empty.
    pub include: Vec<String>,
    /// No file or folder that one of these globs matches.
    pub exclude: Vec<String>,
    /// Matches wanted.
    pub limit: u32,
    /// Milliseconds it may take.
    pub within_ms: u32,
}

/// One match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// In which file.
    pub path: WorkspacePath,
    /// In which line, from 1.
    pub line: u32,
    /// Where in the line, in UTF-16 units from 1.
    pub column: u32,
    /// How many UTF-16 units.
    pub length: u32,
    /// The line, or at most 500 characters of it around the match.
    pub text: String,
    /// UTF-16 units of `text` before the match.
    pub before: u32,
}

/// What a search has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// By path, as the folders are gone through, and by line.
    pub matches: Vec<Match>,
    /// Files that have a match.
    pub files: u32,
    /// Files that were not searched, because they are too large or cannot be read; those that are no text are not counted.
    pub skipped: u32,
    /// There may be more: a limit was reached, or the time was over.
    pub truncated: bool,
}
