//! The matches of all contents, within the bounds of an answer.

use carrel_protocol::{Found, MAX_FOUND_BYTES, MAX_MATCHES, Match, WorkspacePath};

use crate::lines::{Line, matching};
use crate::{Search, is_text};

/// Characters of a line that are shown…
const SHOWN_CHARS: usize = 500;
/// …and how many of them come before the match, where the line is longer.
const SHOWN_BEFORE: usize = 100;

/// What a match takes beside its texts, in bytes.
const MATCH_BYTES: usize = 32;

/// What has been found so far.
#[derive(Debug)]
pub struct Collector {
    found: Found,
    limit: usize,
    bytes: usize,
}

impl Collector {
    /// Nothing yet; at most `limit` matches.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { found: Found::default(), limit: limit.clamp(1, MAX_MATCHES) as usize, bytes: 0 }
    }

    /// Looks for matches in a content; `false` when that was enough, because the answer is full or it is over.
    pub fn look(&mut self, search: &Search, path: &WorkspacePath, content: &[u8], is_over: &dyn Fn() -> bool) -> bool {
        if !is_text(content) {
            return true;
        }
        let before = self.found.matches.len();
        let whole = matching(search, content, is_over, &mut |line| self.line(search, path, &line, is_over));
        self.found.files += u32::from(self.found.matches.len() > before);
        self.found.truncated |= !whole;
        whole
    }

    /// A content could not be looked at.
    pub fn skip(&mut self) {
        self.found.skipped += 1;
    }

    /// It is over before all contents were looked at.
    pub fn cut(&mut self) {
        self.found.truncated = true;
    }

    /// What has been found.
    #[must_use]
    pub fn finish(self) -> Found {
        self.found
    }

    fn line(&mut self, search: &Search, path: &WorkspacePath, line: &Line<'_>, is_over: &dyn Fn() -> bool) -> bool {
        let (mut enough, mut units, mut counted) = (false, 0, 0);
        let in_time = search.each_match(line.bytes, is_over, |begin, end| {
            if self.found.matches.len() >= self.limit {
                enough = true;
                return false;
            }
            // From the match before on, or a long line with many matches takes its length squared.
            units += utf16_units(&line.bytes[counted..begin]);
            counted = begin;
            let (text, shown_before) = around(line.bytes, begin);
            self.bytes += path.as_str().len() + text.len() + MATCH_BYTES;
            if self.bytes > MAX_FOUND_BYTES {
                enough = true;
                return false;
            }
            self.found.matches.push(Match {
                path: path.clone(),
                line: u32::try_from(line.number).unwrap_or(u32::MAX),
                column: units + 1,
                length: utf16_units(&line.bytes[begin..end]),
                text,
                before: shown_before,
            });
            true
        });
        in_time && !enough
    }
}

/// The part of a line that is shown for the match at `begin`, and how many UTF-16 units of it come before.
fn around(line: &[u8], begin: usize) -> (String, u32) {
    // No character has more than four bytes: what lies further away is not shown, and not looked at.
    let (ahead, behind) = (begin.saturating_sub(4 * SHOWN_CHARS), (begin + 4 * SHOWN_CHARS).min(line.len()));
    let prefix = String::from_utf8_lossy(&line[ahead..begin]);
    let suffix = String::from_utf8_lossy(&line[begin..behind]);
    let (prefix_chars, suffix_chars) = (prefix.chars().count(), suffix.chars().count());
    let is_short = ahead == 0 && behind == line.len() && prefix_chars + suffix_chars <= SHOWN_CHARS;
    let kept = if is_short { prefix_chars } else { prefix_chars.min(SHOWN_BEFORE) };
    let prefix: String = prefix.chars().skip(prefix_chars - kept).collect();
    let before = u32::try_from(prefix.encode_utf16().count()).unwrap_or(u32::MAX);
    (prefix.chars().chain(suffix.chars().take(SHOWN_CHARS - kept)).collect(), before)
}

fn utf16_units(bytes: &[u8]) -> u32 {
    let units = String::from_utf8_lossy(bytes).encode_utf16().count();
    u32::try_from(units).unwrap_or(u32::MAX)
}
