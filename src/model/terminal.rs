//! Terminals as users see them.

use time::OffsetDateTime;

use super::TerminalId;

pub use carrel_protocol::{ExitState, TerminalSize};

/// Largest number of columns or rows.
pub const MAX_CELLS: u16 = 1000;

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
