//! Terminals as users see them.

use time::OffsetDateTime;

use super::TerminalId;
use super::session::is_control;

pub use carrel_protocol::{ExitState, TerminalSize};

/// Largest number of columns or rows.
pub const MAX_CELLS: u16 = 1000;

/// Longest name of a terminal, in characters.
pub const MAX_TERMINAL_NAME_CHARS: usize = 64;

/// A terminal of a live session.
#[derive(Clone, Debug, PartialEq)]
pub struct Terminal {
    /// Its id.
    pub id: TerminalId,
    /// A name for people.
    pub name: String,
    /// Its size.
    pub size: TerminalSize,
    /// Process id, inside the sandbox, of its program.
    pub pid: u32,
    /// How the program ended, once it has.
    pub exit: Option<ExitState>,
    /// When it was opened.
    pub created_at: OffsetDateTime,
}

/// `size` brought into the range a terminal can have.
#[must_use]
pub fn clamped(size: TerminalSize) -> TerminalSize {
    TerminalSize { cols: size.cols.clamp(1, MAX_CELLS), rows: size.rows.clamp(1, MAX_CELLS) }
}

/// Why a terminal cannot be called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a terminal's name has 1 to 64 characters and no control characters")]
pub struct TerminalNameError;

/// `text` without surrounding white space, if it is fit for a terminal's name.
///
/// # Errors
/// [`TerminalNameError`].
pub fn terminal_name(text: &str) -> Result<String, TerminalNameError> {
    let name = text.trim();
    let fits = (1..=MAX_TERMINAL_NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(is_control);
    if fits { Ok(name.to_owned()) } else { Err(TerminalNameError) }
}

/// What can be shown of a name an agent tells.
#[must_use]
pub fn shown_name(text: &str) -> String {
    text.chars().filter(|c| !is_control(*c)).take(MAX_TERMINAL_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_terminals_are_short_and_plain() {
        for (text, expected) in [
            (" tests ", Some("tests")),
            ("日本語 😀", Some("日本語 😀")),
            ("  ", None),
            ("a\u{1b}[31m", None),
            ("a\u{202e}b", None),
            (&"é".repeat(64), Some(&*"é".repeat(64))),
            (&"x".repeat(65), None),
        ] {
            assert_eq!(terminal_name(text).ok().as_deref(), expected, "{text:?}");
        }
        assert_eq!(shown_name(&format!("a\u{7}{}", "x".repeat(99))).chars().count(), 64);
    }
}
