//! What the Carrel server and the agent inside a sandbox say to each other.
//!
//! One stream socket per sandbox carries length-delimited frames ([`codec`]), each a postcard-encoded
//! [`ToAgent`] or [`ToServer`]. The agent dials; the server treats every byte it receives as hostile.
//!
//! **Architecture invariant**: no I/O, no async, no operating system here; both ends must be able to
//! test against this crate with byte slices alone.

pub mod frame;
pub mod request;

pub mod entry;
pub mod search;
pub mod terminal;

pub mod bucket;
pub mod codec;
pub mod eager;
pub mod path;
pub mod rules;

pub use bucket::Bucket;
pub use codec::{CodecError, FrameCodec};
pub use eager::Eager;
pub use entry::*;
pub use frame::*;
pub use path::{PathError, WorkspacePath};
pub use request::*;
pub use search::*;
pub use terminal::*;

/// Version of the frames. The agent offers its own in [`Hello`]; the server refuses any other.
pub const PROTOCOL_VERSION: u16 = 3;

/// The largest payload of one frame, in bytes. A chunk plus its envelope, or one page of a listing
/// with names of the greatest length, fits; anything larger ends the link.
pub const MAX_FRAME_BYTES: usize = 512 * 1024;

/// The largest run of file or terminal bytes in one frame. Small enough that a keystroke's echo never
/// waits behind more than a fraction of a millisecond of bulk data.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024;

/// Files in one [`Request::WriteFiles`]; with paths of the greatest length they fit into a frame beside a chunk.
pub const MAX_BUNDLE_FILES: usize = 64;

/// Entries in one page of a listing or one batch of changes.
pub const MAX_PAGE_ENTRIES: usize = 256;

/// Ignored things in one listing; of more than that it is silent.
pub const MAX_IGNORED_ENTRIES: usize = 1001;

/// Ignore files of one listing that are named as not obeyed.
pub const MAX_DISOBEYED: usize = 16;

/// Terminals one sandbox keeps, ended ones included.
pub const MAX_TERMINALS: usize = 32;

/// Viewers (attachments) of all terminals of one sandbox together.
pub const MAX_VIEWERS: usize = 256;

/// Bytes a viewer may have sent to a terminal that the terminal has not yet taken.
pub const INPUT_WINDOW_BYTES: u64 = 64 * 1024;

/// Requests of one connection that touch files and are not answered yet; more are refused with `TooMany`.
pub const MAX_REQUESTS_IN_FLIGHT: usize = 256;

/// Uploads of one connection open at once; more are refused with `TooMany`.
pub const MAX_UPLOADS: usize = 8;

/// Where the workspace lies inside a sandbox.
pub const WORKSPACE_DIR: &str = "/workspace";

/// Where the server's socket directory is mounted, read-only, inside a sandbox.
pub const LINK_DIR: &str = "/run/carrel";

/// Name of the server's socket in [`LINK_DIR`].
pub const LINK_SOCKET: &str = "agent.sock";

/// Name of the file in [`LINK_DIR`] that holds the link token until the agent has first used it.
pub const LINK_TOKEN: &str = "token";
