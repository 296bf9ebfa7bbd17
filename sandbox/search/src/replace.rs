//! Replacing every match in a content.

use grep_matcher::{Captures, Matcher};

use crate::lines::matching;
use crate::often::Often;
use crate::{Search, is_text};

/// A content with its matches replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// All of it.
    pub content: Vec<u8>,
    /// How many matches were replaced.
    pub count: u64,
}

/// Why nothing was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReplaced {
    /// There is no match, or it is no text.
    None,
    /// It was over before the end.
    Over,
    /// It would have become larger than it may be.
    TooLarge,
}

impl Search {
    /// Replaces every match that is not empty; in a regular expression's replacement `$1` and `${name}` stand for its groups, `$$` for a
    /// dollar. At most `most` bytes.
    ///
    /// # Errors
    /// [`NotReplaced`].
    pub fn replace(
        &self,
        content: &[u8],
        replacement: &str,
        most: usize,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Replaced, NotReplaced> {
        if !is_text(content) {
            return Err(NotReplaced::None);
        }
        let mut new = Vec::with_capacity(content.len());
        let (mut copied, mut count, mut too_large, mut over) = (0, 0, false, Often::new(is_over));
        // No group is longer than its match.
        let groups = if self.regex { replacement.matches('$').count() } else { 0 };
        let whole = matching(self, content, is_over, &mut |line| {
            // Only a regular expression has groups.
            let Ok(mut captures) = self.matcher.new_captures() else { return false };
            let replaced = self.matcher.captures_iter(line.bytes, &mut captures, |captures| {
                if over.is() {
                    return false;
                }
                let Some(found) = captures.get(0).filter(|found| !found.is_empty()) else { return true };
                let begin = line.offset + found.start();
                // Asked before it is there: a short replacement may name a long match thousands of times.
                let longest = groups.saturating_mul(found.end() - found.start()).saturating_add(replacement.len());
                too_large = (new.len() + (begin - copied)).saturating_add(longest) > most;
                if too_large {
                    return false;
                }
                new.extend_from_slice(&content[copied..begin]);
                copied = line.offset + found.end();
                if self.regex {
                    let group = |name: &str| self.matcher.capture_index(name);
                    captures.interpolate(group, line.bytes, replacement.as_bytes(), &mut new);
                } else {
                    new.extend_from_slice(replacement.as_bytes());
                }
                count += 1;
                true
            });
            debug_assert!(replaced.is_ok());
            !too_large && !over.was()
        });
        if too_large || new.len() + (content.len() - copied) > most {
            return Err(NotReplaced::TooLarge);
        }
        if !whole {
            return Err(NotReplaced::Over);
        }
        if count == 0 {
            return Err(NotReplaced::None);
        }
        new.extend_from_slice(&content[copied..]);
        Ok(Replaced { content: new, count })
    }
}
