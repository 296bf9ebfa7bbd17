//! Every frame of the agent link, one doc line per variant; what can be asked for is in [`crate::request`].
//!
//! ```text
//! agent                               server
//!   │ ── Hello{token, terminals} ──────▶ │   refused: the server closes without a word
//!   │ ◀──────────────── Welcome{limits} ─ │
//!   │ ◀───────────── Request{id, …} ───── │   any number in flight, answered in any order
//!   │ ── Reply{id, …} ─────────────────▶ │
//!   │ ── Viewer{viewer, Output…} ──────▶ │   never past the viewer's acked offset + window
//!   │ ◀──────────── Ack{viewer, offset} ─ │
//!   │ ── Changed{batch, …} ────────────▶ │   one batch in flight
//!   │ ◀────────── ChangesTaken{batch} ─── │
//! ```

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AgentError, Entry, ExitState, Reply, Request, TerminalInfo, TerminalSize, ViewerEvent, ViewerId};

/// Names one request on one connection; chosen by the server, never reused while the connection lasts.
pub type RequestId = u64;

/// Frames from the server to the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToAgent {
    /// First frame of a connection: the agent is accepted, and these are its bounds.
    Welcome(Limits),
    /// Do something and answer with a [`ToServer::Reply`] of the same id.
    Request {
        /// Echoed in the reply.
        id: RequestId,
        /// What to do.
        request: Request,
    },
    /// Bytes typed by a viewer. Counted against [`crate::INPUT_WINDOW_BYTES`]; no reply but `InputTaken`.
    Input {
        /// Who typed.
        viewer: ViewerId,
        /// What was typed, at most [`crate::MAX_CHUNK_BYTES`].
        bytes: Bytes,
    },
    /// The viewer has shown all output before `offset`; opens its window up to `offset + window`.
    Ack {
        /// Who acknowledges.
        viewer: ViewerId,
        /// Absolute sequence number of the first byte not yet shown.
        offset: u64,
    },
    /// A viewer's window changed its size; the last size given by any viewer is the terminal's.
    Resize {
        /// Whose window.
        viewer: ViewerId,
        /// The new size.
        size: TerminalSize,
    },
    /// The viewer is gone; unknown viewers are ignored.
    Detach {
        /// Who left.
        viewer: ViewerId,
    },
    /// The batch is committed; the agent may send the next.
    ChangesTaken {
        /// Number of the batch.
        batch: u64,
    },
}

/// Frames from the agent to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToServer {
    /// First frame of a connection.
    Hello(Hello),
    /// The answer to one request.
    Reply {
        /// The request's id.
        id: RequestId,
        /// What came of it.
        result: Result<Reply, AgentError>,
    },
    /// A page of the listing asked for by [`Request::Scan`]; its [`Reply::Scanned`] comes after the last page.
    ScanPage {
        /// The scan's request id.
        id: RequestId,
        /// At most [`crate::MAX_PAGE_ENTRIES`], parents before children.
        entries: Vec<Entry>,
    },
    /// Something for one viewer, in the order in which it happened.
    Viewer {
        /// Whose event.
        viewer: ViewerId,
        /// What happened.
        event: ViewerEvent,
    },
    /// A terminal's program ended (told once, beside each viewer's own `Exited`).
    TerminalExited {
        /// Which terminal.
        terminal: Uuid,
        /// How it ended.
        exit: ExitState,
    },
    /// Programs changed the workspace and have been quiet since; one batch is in flight at a time.
    Changed {
        /// Rises by one for each batch of a connection.
        batch: u64,
        /// At most [`crate::MAX_PAGE_ENTRIES`]; the state now, not the event.
        entries: Vec<Entry>,
        /// Events were lost (queue overflow): only a [`Request::Scan`] tells the truth.
        rescan: bool,
    },
}

/// What an agent says first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the agent.
    pub version: u16,
    /// The token found in [`crate::LINK_DIR`] when the sandbox started.
    pub token: String,
    /// Terminals it holds, from before a server's restart.
    pub terminals: Vec<TerminalInfo>,
    /// Whether the workspace was ever completely restored (see [`Request::FinishRestore`]).
    pub restored: bool,
}

/// Bounds the server gives the agent; the agent refuses what goes past them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of scrollback each terminal keeps.
    pub ring_bytes: u32,
    /// Most items a listing may have, ignored ones left out; beyond it a scan fails with `TooMany`.
    pub max_items: u32,
    /// Largest file that is hashed, in bytes, but for larger ones the server puts in; others are listed with no hash.
    pub max_file_bytes: u64,
    /// Milliseconds a viewer with a full window may stall before it is detached.
    pub viewer_stall_ms: u32,
    /// Patterns of what is ignored, in `.gitignore`'s syntax, before those of any ignore file.
    pub ignore: Vec<String>,
}
