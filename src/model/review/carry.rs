//! Where lines of one text are in another.
//!
//! **Invariant**: lines are carried only where all of them stand together as they did; otherwise nobody says where they are. What a comment
//! was written on is never silently another text.

use imara_diff::{Algorithm, Diff, Hunk, InternedInput};

/// Files with more bytes are not compared line by line: what was said of their lines is outdated with their first change.
pub const MAX_COMPARED_BYTES: u64 = 1 << 20;

/// Consecutive lines of a text; the first line of a text is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lines {
    /// The first of them.
    pub start: u32,
    /// The last of them; never before the first.
    pub end: u32,
}

impl Lines {
    /// These, if there are such lines.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Option<Self> {
        (start >= 1 && start <= end).then_some(Self { start, end })
    }
}

/// The lines of a text without what ends them, as editors count them: after `\n`, `\r\n` or a single `\r` another line begins.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    spans(text).map(|(line, _)| line)
}

/// Lines, each with the byte at which the one after it begins.
fn spans(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let rest = &text[start..];
        let Some(length) = rest.find(['\n', '\r']) else {
            next = None;
            return Some((rest, text.len()));
        };
        let ending = if rest[length..].starts_with("\r\n") { 2 } else { 1 };
        next = Some(start + length + ending);
        Some((&rest[..length], start + length + ending))
    })
}

/// How one text became another.
pub struct Carrier {
    hunks: Vec<Hunk>,
    count: u32,
}

impl Carrier {
    /// From `before` to `after`. Takes time in proportion to their length, with another some ten milliseconds a megabyte.
    #[must_use]
    pub fn new(before: &str, after: &str) -> Self {
        let mut input = InternedInput::default();
        input.update_before(lines(before));
        input.update_after(lines(after));
        let diff = Diff::compute(Algorithm::Histogram, &input);
        let count = u32::try_from(input.before.len()).unwrap_or(u32::MAX);
        Self { hunks: diff.hunks().collect(), count }
    }

    /// Where `lines` are in the other text; `None` where one of them has changed, or something stands between them.
    #[must_use]
    pub fn carry(&self, lines: Lines) -> Option<Lines> {
        if lines.end > self.count {
            return None;
        }
        // From 0 on, and the end is not among them.
        let (start, end) = (lines.start - 1, lines.end);
        let mut moved = 0;
        for Hunk { before, after } in &self.hunks {
            if before.end <= start {
                moved = i64::from(after.end) - i64::from(before.end);
            } else if before.start < end {
                return None;
            } else {
                break;
            }
        }
        let there = |line: u32| u32::try_from(i64::from(line) + moved).ok();
        Lines::new(there(lines.start)?, there(lines.end)?)
    }
}

/// What a text becomes when lines of it are replaced. `replacement` ends with a line's end, or what follows is joined to it, unless it is
/// empty or the last; `None` where there are no such lines.
#[must_use]
pub fn replaced(text: &str, lines: Lines, replacement: &str) -> Option<String> {
    let ends: Vec<usize> = spans(text).map(|(_, end)| end).collect();
    let start = if lines.start == 1 { 0 } else { *ends.get(lines.start as usize - 2)? };
    let end = *ends.get(lines.end as usize - 1)?;
    Some([&text[..start], replacement, &text[end..]].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn carried(before: &str, after: &str, start: u32, end: u32) -> Option<(u32, u32)> {
        let lines = Carrier::new(before, after).carry(Lines::new(start, end).unwrap());
        lines.map(|lines| (lines.start, lines.end))
    }

    #[test]
    fn lines_move_with_what_comes_before_them_and_go_when_they_change() {
        let text = "a\nb\nc\nd\n";
        for (after, start, end, expected) in [
            ("a\nb\nc\nd\n", 2, 3, Some((2, 3))),
            ("new\na\nb\nc\nd\n", 2, 3, Some((3, 4))),
            ("b\nc\nd\n", 2, 3, Some((1, 2))),
            ("a\nb\nc\nd\nnew\n", 2, 3, Some((2, 3))),
            ("a\nb\nnew\nc\nd\n", 2, 3, None),
            ("a\nb\nnew\nc\nd\n", 2, 2, Some((2, 2))),
            ("a\nb\nnew\nc\nd\n", 3, 3, Some((4, 4))),
            ("a\nB\nc\nd\n", 2, 3, None),
            ("a\nc\nd\n", 2, 2, None),
            ("", 1, 1, None),
            ("a\nb\nc\nd\n", 6, 6, None),
        ] {
            assert_eq!(carried(text, after, start, end), expected, "{after:?} {start} {end}");
        }
    }

    #[test]
    fn lines_are_counted_as_editors_count_them() {
        assert_eq!(lines("a\r\nb\rc\nd").collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(lines("a\n").collect::<Vec<_>>(), ["a", ""]);
        assert_eq!(lines("").collect::<Vec<_>>(), [""]);
        // Another kind of line's end is no other line.
        assert_eq!(carried("a\nb\n", "a\r\nb\r\n", 2, 2), Some((2, 2)));
    }

    #[test]
    fn what_is_replaced_leaves_everything_else_alone() {
        let replace = |text, start, end, with| replaced(text, Lines::new(start, end).unwrap(), with);
        assert_eq!(replace("a\nb\nc\n", 2, 2, "x\ny\n").unwrap(), "a\nx\ny\nc\n");
        assert_eq!(replace("a\r\nb\r\nc", 1, 2, "").unwrap(), "c");
        assert_eq!(replace("a\nb", 2, 2, "x").unwrap(), "a\nx");
        assert_eq!(replace("a\nb", 3, 3, "x"), None);
        assert_eq!(replace("", 1, 1, "x").unwrap(), "x");
    }

    /// At a line, how many go, and what comes.
    type Splice = (usize, usize, Vec<u8>);

    /// A text of lines of which some are alike, and edits of it.
    fn edits() -> impl Strategy<Value = (Vec<u8>, Vec<Splice>)> {
        let text = prop::collection::vec(0..6_u8, 1..40);
        let edit = (0..60_usize, 0..4_usize, prop::collection::vec(0..6_u8, 0..4));
        (text, prop::collection::vec(edit, 0..8))
    }

    proptest! {
        /// Every line of the text has a number of its own here beside what it says, so that it is known where it really went.
        #[test]
        fn what_is_carried_is_where_it_went(
            (text, edits) in edits(), start in 1..40_u32, length in 0..5_u32,
        ) {
            let mut number = 0;
            let mut numbered = |line: &u8| { number += 1; format!("{number} {line}") };
            let before: Vec<String> = text.iter().map(&mut numbered).collect();
            let mut after = before.clone();
            for (at, gone, new) in &edits {
                let at = at % (after.len() + 1);
                let gone = (*gone).min(after.len() - at);
                after.splice(at..at + gone, new.iter().map(&mut numbered));
            }
            let lines = Lines::new(start, start + length).unwrap();
            let (old, new) = (before.join("\n"), after.join("\n"));
            let carried = Carrier::new(&old, &new).carry(lines);
            let wanted = before.get(start as usize - 1..(start + length) as usize);
            let really = wanted.and_then(|wanted| after.windows(wanted.len()).position(|window| window == wanted));
            let really = really.map(|at| at as u32 + 1).and_then(|at| Lines::new(at, at + length));
            prop_assert_eq!(carried, really);
        }

        /// Where lines are alike nobody can say which of them was meant, but the text is always the one that was commented on.
        #[test]
        fn what_is_carried_says_what_it_said(
            (text, edits) in edits(), start in 1..40_u32, length in 0..5_u32,
        ) {
            let before: Vec<String> = text.iter().map(u8::to_string).collect();
            let mut after = before.clone();
            for (at, gone, new) in &edits {
                let at = at % (after.len() + 1);
                let gone = (*gone).min(after.len() - at);
                after.splice(at..at + gone, new.iter().map(u8::to_string));
            }
            let lines = Lines::new(start, start + length).unwrap();
            if let Some(there) = Carrier::new(&before.join("\n"), &after.join("\n")).carry(lines) {
                let of = |text: &[String], lines: Lines| text[lines.start as usize - 1..lines.end as usize].to_vec();
                prop_assert_eq!(of(&before, lines), of(&after, there));
            }
        }
    }
}
