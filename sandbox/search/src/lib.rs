//! What a search finds in one content, for the server, which has contents, and the agent, which has files.
//!
//! **Architecture invariant**: no I/O and no clock: who calls hands in contents and says when it is over. Made of ripgrep's libraries. A
//! pattern is a user's: its size is bounded, and so is what it may compile to; one match takes time in proportion to the content, and after
//! some of them it is asked whether it is over.

mod collect;
mod globs;
mod lines;
mod often;
mod replace;

use carrel_protocol::rules::TOOL_FOLDERS;
use carrel_protocol::{MAX_PATTERN_BYTES, SearchQuery};
use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};

pub use collect::Collector;
pub use replace::{NotReplaced, Replaced};

use globs::Globs;
use often::Often;

/// What a pattern may compile to, in bytes: some thousand states.
const COMPILED_BYTES: usize = 512 * 1024;

/// How deeply a pattern may be nested.
const NESTING: u32 = 64;

/// Whether a folder of this name, at any depth, is not searched: what tools have made there is no text of its user.
fn is_of_tools(name: &str) -> bool {
    name == ".git" || TOOL_FOLDERS.contains(&name)
}

/// Why a query is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// Nothing to look for.
    #[error("there is nothing to look for")]
    Empty,
    /// Over [`MAX_PATTERN_BYTES`].
    #[error("the pattern is longer than {MAX_PATTERN_BYTES} bytes")]
    TooLong,
    /// A line's end in it.
    #[error("the pattern goes over more than one line")]
    Lines,
    /// No regular expression, or one that is too large.
    #[error("{0}")]
    Regex(String),
    /// A glob that is none, or too many of them.
    #[error("{0}")]
    Glob(String),
}

/// A query, ready to be asked of contents.
#[derive(Debug)]
pub struct Search {
    matcher: RegexMatcher,
    regex: bool,
    globs: Globs,
}

impl Search {
    /// Makes a query ready.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn new(query: &SearchQuery) -> Result<Self, BadQuery> {
        let pattern = query.pattern.as_str();
        if pattern.is_empty() {
            return Err(BadQuery::Empty);
        }
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(BadQuery::TooLong);
        }
        if pattern.contains(['\n', '\r']) {
            return Err(BadQuery::Lines);
        }
        let mut builder = RegexMatcherBuilder::new();
        builder.case_insensitive(!query.case).word(query.word).fixed_strings(!query.regex);
        builder.size_limit(COMPILED_BYTES).dfa_size_limit(COMPILED_BYTES).nest_limit(NESTING);
        builder.line_terminator(Some(b'\n'));
        let matcher = builder.build(pattern).map_err(|error| BadQuery::Regex(error.to_string()))?;
        let globs = Globs::new(&query.include, &query.exclude)?;
        Ok(Self { matcher, regex: query.regex, globs })
    }

    /// Whether the file at this path is to be searched.
    #[must_use]
    pub fn wants_file(&self, path: &str) -> bool {
        self.globs.wants_file(path) && !path.split('/').rev().skip(1).any(is_of_tools)
    }

    /// Whether anything in the folder at this path may have to be searched.
    #[must_use]
    pub fn wants_folder(&self, path: &str) -> bool {
        !self.globs.excludes(path) && !is_of_tools(path.rsplit('/').next().unwrap_or_default())
    }

    /// Calls `each` with the begin and end of every match in a line that is not empty, until it or `is_over` says that this is enough;
    /// `false` in the second case.
    fn each_match(&self, line: &[u8], is_over: &dyn Fn() -> bool, mut each: impl FnMut(usize, usize) -> bool) -> bool {
        let mut over = Often::new(is_over);
        // The matcher itself never fails.
        let found =
            self.matcher.find_iter(line, |found| !over.is() && (found.is_empty() || each(found.start(), found.end())));
        debug_assert!(found.is_ok());
        !over.was()
    }
}

/// Whether a content is text, as far as it can be searched.
#[must_use]
pub fn is_text(content: &[u8]) -> bool {
    !content.contains(&0)
}

#[cfg(test)]
mod tests;
