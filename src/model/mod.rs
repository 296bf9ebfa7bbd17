//! What Carrel decides, as values and pure functions.
//!
//! **Architecture invariant**: no I/O, no async, no clock of its own, no library that does any. Whatever is decided here can be
//! tested as a table.

pub mod backoff;
pub mod id;
pub mod idle;
pub mod item;
pub mod notice;
pub mod process;
pub mod quotas;
pub mod review;
pub mod runs;
pub mod session;
pub mod snapshot;
pub mod sync;
pub mod terminal;
pub mod unkept;
pub mod user;

pub use id::{
    CommentId, LoginId, ReviewId, SandboxId, ServerId, SessionId, SnapshotId, TemplateId, TerminalId, ThreadId, UserId,
};
pub use idle::{Ending, EndsWhy};
pub use item::{ContentHash, Item, ItemKind, Precondition, WorkspacePath};
pub use notice::{Announcement, Level, Progress, SessionNotice, Stage};
pub use process::{Load, Process};
pub use quotas::{Quotas, UserQuotas};
pub use session::{Extent, Session, SessionEvent, SessionState, Usage};
pub use user::{Role, User, UserName};
