//! What the server may ask, one doc line per variant, and what comes of it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    ContentHash, Disobeyed, FileStamp, Found, SearchQuery, TerminalInfo, TerminalSize, ViewerId, WorkspacePath,
};

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
    /// Look through the workspace's files; answers [`Reply::Found`], at the latest when the query's time is over.
    Search {
        /// Names this search, to be stopped by.
        search: u64,
        /// What for.
        query: SearchQuery,
    },
    /// Nobody waits for a search any more.
    StopSearch {
        /// Which.
        search: u64,
    },
    /// Which of these items, at most [`crate::MAX_PAGE_ENTRIES`], are gone for certain: nothing is there now, and it would not be ignored.
    /// Answers [`Reply::Gone`].
    AreGone {
        /// Each with whether it was a folder.
        items: Vec<(WorkspacePath, bool)>,
    },
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
    /// Begin a larger file; answers [`Reply::Upload`]. At most [`crate::MAX_UPLOADS`] are open at once.
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
    /// End every process of the sandbox but the agent: SIGHUP and SIGCONT at once, SIGKILL after 2 s. [`Reply::Done`] comes when they are
    /// gone, so that a listing asked for then is final. No terminal can be opened meanwhile; the link stays.
    EndPrograms,
    /// Ask one process to end: SIGTERM and SIGCONT at once, answered with [`Reply::Done`]; SIGKILL after 2 s if it is still there. Never
    /// the agent itself, nor what belongs to another user: those are `NotFound`.
    StopProcess {
        /// Which.
        pid: u32,
    },
    /// Give a terminal another name.
    RenameTerminal {
        /// Which.
        terminal: Uuid,
        /// A name for people, at most 1024 bytes.
        name: String,
    },
    /// What the sandbox takes at the moment, and what has gone through its terminals.
    Usage,
    /// Write several whole small files, one after the other, each as [`Request::WriteFile`] does. One that cannot be written does not
    /// keep the others from being. Answers [`Reply::WrittenFiles`].
    WriteFiles {
        /// At most [`crate::MAX_BUNDLE_FILES`], of [`crate::MAX_CHUNK_BYTES`] together.
        files: Vec<SmallFile>,
    },
}

/// A file of a [`Request::WriteFiles`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SmallFile {
    /// Where.
    pub path: WorkspacePath,
    /// How.
    pub options: WriteOptions,
    /// All of it.
    pub bytes: Bytes,
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
        /// Ignore files that are not obeyed, at most [`crate::MAX_DISOBEYED`].
        disobeyed: Vec<Disobeyed>,
    },
    /// For each item of [`Request::AreGone`] whether it is.
    Gone(Vec<bool>),
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
    /// What a search has found.
    Found(Found),
    /// What runs.
    Processes(Vec<Process>),
    /// What is taken.
    Usage(Usage),
    /// What came of each file, in their order.
    WrittenFiles {
        /// Where an unexpected former content was kept, if there was one; or why the file was not written.
        outcomes: Vec<Result<Option<WorkspacePath>, AgentError>>,
    },
}

/// What a sandbox takes. Sums since it started, unless a field says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of all processes, ended ones included, in milliseconds.
    pub cpu_ms: u64,
    /// Memory in bytes now, files in temporary file systems included.
    pub memory_bytes: u64,
    /// Bytes used in the workspace's file system now.
    pub disk_bytes: u64,
    /// Size of the workspace's file system in bytes.
    pub disk_total_bytes: u64,
    /// Processes now, the agent left out.
    pub processes: u64,
    /// Bytes all terminals have printed, closed ones included.
    pub output_bytes: u64,
    /// Bytes that were typed into all terminals.
    pub input_bytes: u64,
    /// Viewers attached now.
    pub viewers: u32,
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
    /// The terminal it, or the nearest of its ancestors that has one, was started in.
    pub terminal: Option<Uuid>,
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
