//! HTTP and WebSockets: who may ask, what is asked, how it is told.
//!
//! ```text
//! connection ─▶ observe (id, span, figures, headers) ─▶ origin (own page?) ─▶ routes ─▶ handlers ─▶ accounts, actors, db (reads only)
//!                                                                              └────▶ page: the export of static/
//! ```
//!
//! **Architecture invariant**: the only code that names `actix_web`. It decides nothing about sessions, files or terminals: what changes
//! something goes to [`crate::actors::Sessions`] or [`crate::accounts::Accounts`], from a task that a closed browser does not cancel.
//! Every failure becomes an answer in [`error`], every right is checked in [`signed_in`], every JSON shape is in [`wire`].

mod archive;
pub mod budget;
mod carried;
pub mod client;
mod contents;
pub mod download;
mod elsewhere;
pub mod error;
pub mod handlers;
mod import;
pub mod json;
pub mod metrics;
pub mod observe;
pub mod openapi;
pub mod origin;
pub mod page;
mod past_trees;
pub mod paths;
mod replace;
pub mod routes;
mod search;
pub mod server;
pub mod session_socket;
pub mod signed_in;
pub mod slots;
mod socket;
pub mod socket_messages;
pub mod sockets;
pub mod state;
pub mod terminal_frames;
pub mod terminal_input;
mod terminal_pace;
pub mod terminal_socket;
pub mod transfer;
pub mod typists;
pub mod wire;

pub use metrics::Metrics;
pub use openapi::openapi;
pub use server::Server;
pub use sockets::Sockets;
pub use state::{AppParts, Readiness};
