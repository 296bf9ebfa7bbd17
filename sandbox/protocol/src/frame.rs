//! Every frame of the agent link, one doc line per variant.
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

use crate::WorkspacePath;

/// BLAKE3 of a file's content.
pub type ContentHash = [u8; 32];

/// Names one request on one connection; chosen by the server, never reused while the connection lasts.
pub type RequestId = u64;

/// Names one attachment to a terminal on one connection; chosen by the server.
pub type ViewerId = u32;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of scrollback each terminal keeps.
    pub ring_bytes: u32,
    /// Most items a listing may have; beyond it a scan fails with `TooMany`.
    pub max_items: u32,
    /// Largest file that is hashed and offered, in bytes; larger ones are listed with no hash.
    pub max_file_bytes: u64,
    /// Milliseconds a viewer with a full window may stall before it is detached.
    pub viewer_stall_ms: u32,
}

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

/// What the server may ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Answer [`Reply::Done`]; shows that the agent is alive.
    Ping,
    /// Open a PTY and start a program in it. Repeating it with a known id answers as the first time.
    OpenTerminal {
        /// Its id.
        terminal: Uuid,
        /// A name for people.
        name: String,
        /// Its first size.
        size: TerminalSize,
        /// Where to start, below the workspace; `None` is the workspace itself.
        cwd: Option<WorkspacePath>,
        /// Program and arguments; empty means the login shell.
        command: Vec<String>,
    },
    /// Hang up (SIGHUP, then SIGKILL after a grace) its process group and forget the terminal.
    CloseTerminal {
        /// Which.
        terminal: Uuid,
    },
    /// Start sending a terminal's output to a viewer.
    Attach {
        /// Which terminal.
        terminal: Uuid,
        /// The viewer's new id.
        viewer: ViewerId,
        /// First byte wanted; `None` means the oldest kept.
        since: Option<u64>,
        /// Bytes that may be sent beyond what is acknowledged.
        window: u32,
    },
    /// List the whole workspace with hashes: pages, then [`Reply::Scanned`].
    Scan,
    /// Read at most [`crate::MAX_CHUNK_BYTES`] of a regular file from `offset`.
    ReadFile {
        /// Which file.
        path: WorkspacePath,
        /// First byte.
        offset: u64,
    },
    /// Write a whole small file: temporary name, fsync, rename. Missing parent folders are made.
    WriteFile {
        /// Where.
        path: WorkspacePath,
        /// How.
        options: WriteOptions,
        /// All of it, at most [`crate::MAX_CHUNK_BYTES`].
        bytes: Bytes,
    },
    /// Begin a larger file; answers [`Reply::Upload`]. At most 8 are open at once.
    BeginUpload {
        /// Final size in bytes; reserved before the answer, so that a full disk says so now.
        size: u64,
    },
    /// Append to an upload; chunks must be in order.
    UploadChunk {
        /// From [`Reply::Upload`].
        upload: u32,
        /// Must equal what has been written so far.
        offset: u64,
        /// At most [`crate::MAX_CHUNK_BYTES`].
        bytes: Bytes,
    },
    /// Put the finished upload in place, as [`Request::WriteFile`] does.
    CommitUpload {
        /// From [`Reply::Upload`].
        upload: u32,
        /// Where.
        path: WorkspacePath,
        /// How.
        options: WriteOptions,
    },
    /// Give up an upload.
    AbortUpload {
        /// From [`Reply::Upload`].
        upload: u32,
    },
    /// Make a folder and its parents; an existing folder is fine.
    MakeFolder {
        /// Which.
        path: WorkspacePath,
    },
    /// Make a symbolic link whose target stays inside the workspace; replaces an existing link.
    MakeSymlink {
        /// Where.
        path: WorkspacePath,
        /// Relative target, as `readlink` gives it.
        target: String,
    },
    /// Rename a file or folder; refuses to replace anything.
    Move {
        /// From here.
        from: WorkspacePath,
        /// To here; missing parent folders are made.
        to: WorkspacePath,
    },
    /// Remove a file, a link, or a folder with all it holds. Something already absent is fine.
    Remove {
        /// Which.
        path: WorkspacePath,
    },
    /// The database's files are all in place: from now on changes are announced.
    FinishRestore,
    /// What runs in the sandbox.
    Processes,
    /// Hang up every terminal, sync, and exit; the reply comes first.
    Shutdown,
    /// Hang up every terminal and end every program, keeping the link; the reply comes when they are gone.
    EndPrograms,
}

/// How a file is put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOptions {
    /// Sets the exec bits.
    pub executable: bool,
    /// `fsync` file and folder before answering; restores leave it out.
    pub durable: bool,
    /// What the server believes is there now.
    pub expect: Expect,
}

/// What a writer believes it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expect {
    /// No matter what.
    Anything,
    /// No such file.
    Absent,
    /// This content. If something else is there it is first renamed to a conflict copy beside it.
    Content(ContentHash),
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Done; nothing more to say.
    Done,
    /// The terminal is open.
    Opened(TerminalInfo),
    /// The viewer is attached; its events follow.
    Attached {
        /// Sequence number of the first byte that will be sent.
        start: u64,
        /// Sequence number of the next byte the program prints.
        end: u64,
        /// `since` could not be served: the ring no longer (or never) held it; `start` is the oldest kept.
        reset: bool,
        /// The terminal as it is.
        terminal: TerminalInfo,
    },
    /// The listing is complete.
    Scanned {
        /// Entries sent in all pages.
        count: u64,
        /// BLAKE3 over the postcard encoding of each entry, in the order sent.
        hash: ContentHash,
    },
    /// A part of a file.
    Chunk {
        /// The bytes; fewer than asked only at the end.
        bytes: Bytes,
        /// The file as it was when they were read: equal stamps mean one unbroken content.
        stamp: FileStamp,
    },
    /// The file is in place.
    Written {
        /// Where the unexpected former content was kept, if there was one.
        conflict_copy: Option<WorkspacePath>,
    },
    /// An upload is open.
    Upload {
        /// Its handle.
        upload: u32,
    },
    /// What runs.
    Processes(Vec<Process>),
}

/// Identity of one unbroken content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStamp {
    /// Size in bytes.
    pub size: u64,
    /// Inode number.
    pub inode: u64,
    /// Modification time, nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// Status-change time, nanoseconds since the epoch.
    pub ctime_ns: i64,
    /// Whether the owner's exec bit is set.
    pub executable: bool,
}

/// One thing in a workspace, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Where. Text, because the receiver must check it.
    pub path: String,
    /// What.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Size in bytes.
        size: u64,
        /// Whether the owner's exec bit is set.
        executable: bool,
        /// BLAKE3 of its content; `None` when it is too large or changed while it was read.
        hash: Option<ContentHash>,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink {
        /// As `readlink` gives it.
        target: String,
    },
    /// Gone (only in [`ToServer::Changed`]); a folder's absence stands for all below it.
    Missing,
    /// There, but cannot be kept; the path is a readable rendering of the name.
    NotKept(NotKept),
}

/// Why something in a workspace is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotKept {
    /// Its name is not UTF-8, too long or too deep.
    Name,
    /// A device, socket or pipe.
    Special,
    /// A link that leaves the workspace.
    EscapingLink,
}

/// A process in the sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Process id inside the sandbox.
    pub pid: u32,
    /// Parent's process id.
    pub parent: u32,
    /// Command line, at most 256 bytes, invalid UTF-8 replaced.
    pub command: String,
    /// CPU time used, in milliseconds.
    pub cpu_ms: u64,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Age in milliseconds.
    pub age_ms: u64,
}

/// Why the agent could not do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AgentError {
    /// No such file, terminal or upload.
    #[error("not found")]
    NotFound,
    /// Something is already there.
    #[error("already exists")]
    Exists,
    /// A folder is in the way, or a file where a folder is needed.
    #[error("is of another kind (file or folder)")]
    WrongKind,
    /// The path leaves the workspace or passes through a link.
    #[error("refused: the path leaves the workspace")]
    Refused,
    /// The sandbox's disk, or its inodes, are used up.
    #[error("no space left in the workspace")]
    NoSpace,
    /// A limit of [`Limits`] or of this crate's constants was reached.
    #[error("too many")]
    TooMany,
    /// The file changed while it was read, repeatedly.
    #[error("changed while it was read")]
    Torn,
    /// An argument makes no sense, for example a chunk out of order.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// Anything else the operating system says; its `errno`.
    #[error("system error {0}")]
    Os(i32),
}
