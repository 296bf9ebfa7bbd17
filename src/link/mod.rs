//! The server's end of the link to a sandbox's agent: one unix stream socket per sandbox, frames of `carrel-protocol`.
//!
//! ```text
//! Door ── accepts, checks the token ──▶ AgentLink ──▶ requests and replies
//!  (one per sandbox, outlives links)        │
//!                                           ├── Viewer / ViewerEvents   one pair per attachment to a terminal
//!                                           └── LinkEvents              changes of files, ended terminals, the link's end
//! ```
//!
//! **Architecture invariant**: no actors, no HTTP, no database, no engine here. Every byte that arrives is hostile: sizes are bounded by
//! the codec, counts and credits by [`inbox`], and whatever breaks a bound ends the link, never the server.

pub mod connection;
pub mod door;
pub mod inbox;
pub mod outbox;
mod reader;
mod socket;
pub mod viewer;

pub use connection::{AgentLink, LinkError, LinkEvent, LinkEvents, OwnedLink};
pub use door::{Door, DoorError, LinkDir};
pub use viewer::{InputRefused, Viewer, ViewerEvents};
