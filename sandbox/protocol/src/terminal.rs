//! Terminals and those who look at them, as frames speak of them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names one attachment to a terminal on one connection; chosen by the server.
pub type ViewerId = u32;

/// Columns and rows of a terminal, in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// 1 to 1000.
    pub cols: u16,
    /// 1 to 1000.
    pub rows: u16,
}

/// A terminal as the agent knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TerminalInfo {
    /// Its id, chosen by the server.
    pub id: Uuid,
    /// The name given when it was opened.
    pub name: String,
    /// Its present size.
    pub size: TerminalSize,
    /// Process id, inside the sandbox, of the program it was opened with.
    pub pid: u32,
    /// Sequence number of the next output byte.
    pub end: u64,
    /// How its program ended, once it has.
    pub exit: Option<ExitState>,
    /// Milliseconds since the Unix epoch when it was opened.
    pub opened_at_ms: u64,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitState {
    /// By itself, with this code.
    Code(u8),
    /// Killed by this signal number.
    Signal(u8),
}

/// What happens to one viewer, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ViewerEvent {
    /// Output; `seq` is the sequence number of its first byte.
    Output {
        /// Equals the end of the previous output, or the start given by `Attached`.
        seq: u64,
        /// At most [`crate::MAX_CHUNK_BYTES`].
        bytes: Bytes,
    },
    /// Everything this viewer typed up to `total` bytes has been written to the terminal.
    InputTaken {
        /// Bytes since this viewer attached.
        total: u64,
    },
    /// The terminal has a new size (its own resizes included).
    Resized(TerminalSize),
    /// The program ended; all its output has been sent before this.
    Exited(ExitState),
    /// The agent has detached this viewer.
    Detached(DetachReason),
}

/// Why the agent let go of a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DetachReason {
    /// Its window stayed full past the stall limit, or the ring overtook it.
    Stalled,
    /// The terminal was closed.
    Closed,
}
