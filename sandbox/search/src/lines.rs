//! The lines of a content that have a match.

use std::io;

use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};

use crate::Search;

/// Bytes after which it is asked whether it is over; a longer line is searched as a whole.
const BLOCK_BYTES: usize = 64 * 1024;

/// A line with a match, without its end.
pub(crate) struct Line<'c> {
    /// From 1.
    pub(crate) number: u64,
    /// Where it begins in the content.
    pub(crate) offset: usize,
    pub(crate) bytes: &'c [u8],
}

/// Hands lines on.
struct Lines<'s> {
    number: u64,
    offset: usize,
    each: &'s mut dyn FnMut(Line<'_>) -> bool,
    enough: bool,
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let number = self.number + found.line_number().unwrap_or(1);
        let offset = self.offset + usize::try_from(found.absolute_byte_offset()).unwrap_or(usize::MAX);
        let bytes = found.bytes();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        self.enough = !(self.each)(Line { number, offset, bytes });
        Ok(!self.enough)
    }
}

/// Calls `each` with every line that has a match, in order, until it or `is_over` says that this is enough; `false` then.
pub(crate) fn matching(
    search: &Search,
    content: &[u8],
    is_over: &dyn Fn() -> bool,
    each: &mut dyn FnMut(Line<'_>) -> bool,
) -> bool {
    let mut builder = SearcherBuilder::new();
    builder.line_number(true).binary_detection(BinaryDetection::none()).bom_sniffing(false);
    let mut searcher = builder.build();
    let mut lines = Lines { number: 0, offset: 0, each, enough: false };
    let mut rest = content;
    while !rest.is_empty() {
        if is_over() {
            return false;
        }
        let block = block(rest);
        // Nothing is read or written, so nothing fails.
        if searcher.search_slice(&search.matcher, block, &mut lines).is_err() || lines.enough {
            return false;
        }
        lines.number += block.iter().filter(|byte| **byte == b'\n').count() as u64;
        lines.offset += block.len();
        rest = &rest[block.len()..];
    }
    true
}

/// Whole lines of about [`BLOCK_BYTES`].
fn block(content: &[u8]) -> &[u8] {
    let Some(after) = content.get(BLOCK_BYTES..) else { return content };
    match after.iter().position(|byte| *byte == b'\n') {
        Some(at) => &content[..BLOCK_BYTES + at + 1],
        None => content,
    }
}
