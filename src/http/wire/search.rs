//! Shapes of searching and replacing.

use carrel_protocol::{Found, Match};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is looked for.
#[derive(Default, Deserialize, ToSchema)]
pub struct Pattern {
    /// A text or a regular expression, for one line.
    pub q: String,
    /// Whether it is a regular expression.
    #[serde(default)]
    pub regex: bool,
    /// Whether case matters.
    #[serde(default)]
    pub case: bool,
    /// Whole words only.
    #[serde(default)]
    pub word: bool,
    /// Only files that one of these globs matches, with commas between them; all when absent.
    pub include: Option<String>,
    /// No file or folder that one of these globs matches.
    pub exclude: Option<String>,
}

/// One match.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchMatch {
    /// In which file.
    pub path: String,
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

impl From<Match> for SearchMatch {
    fn from(found: Match) -> Self {
        let Match { path, line, column, length, text, before } = found;
        Self { path: path.into(), line, column, length, text, before }
    }
}

/// What a search has found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResult {
    /// The matches, file by file and line by line.
    pub items: Vec<SearchMatch>,
    /// Files that have one.
    pub files: u32,
    /// Files over 4 MiB, or that cannot be read: not searched.
    pub skipped: u32,
    /// There may be more: a limit was reached, or the time was over.
    pub truncated: bool,
}

impl From<Found> for SearchResult {
    fn from(found: Found) -> Self {
        let Found { matches, files, skipped, truncated } = found;
        Self { items: matches.into_iter().map(Into::into).collect(), files, skipped, truncated }
    }
}

/// What is to be replaced.
#[derive(Deserialize, ToSchema)]
pub struct Replacement {
    /// What is looked for.
    #[serde(flatten)]
    pub pattern: Pattern,
    /// What is put in its place. With `regex`, `$1` and `${name}` stand for groups, `$$` for a dollar.
    pub replacement: String,
    /// Only in these files, at most 1000; in all that match when absent.
    pub paths: Option<Vec<String>>,
    /// Instead: only in these files, at most 1000, as far as they still are what a preview showed.
    pub seen: Option<Vec<SeenFile>>,
    /// Only show what would be replaced.
    #[serde(default)]
    pub preview: bool,
}

/// A file as a preview showed it.
#[derive(Deserialize, ToSchema)]
pub struct SeenFile {
    /// Where.
    pub path: String,
    /// Its entity tag then.
    pub etag: String,
}

/// A file in which something is replaced.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ReplacedFile {
    /// Where.
    pub path: String,
    /// How many matches.
    pub replacements: u64,
    /// Its entity tag: as it is, in a preview; as it has become, otherwise.
    pub etag: String,
    /// In a preview: its text, unless it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The text it would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What was replaced.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Replacements {
    /// The files, by path.
    pub files: Vec<ReplacedFile>,
    /// Matches in all of them.
    pub replacements: u64,
    /// Files that have changed meanwhile, or are not as they were seen, and were left as they are.
    pub conflicts: Vec<String>,
    /// There may be more: files that are too large or would be, more than 1000, or the time was over.
    pub truncated: bool,
}
