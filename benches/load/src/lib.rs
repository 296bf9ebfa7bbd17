//! What drives a Carrel from outside, as browsers would: its public API, its terminal protocol, and figures about both.
//!
//! ```text
//!   main (command line) ──▶ drive ──▶ crew (sign in, open) ──▶ api ──▶ HTTP
//!                             │    └▶ seat (one terminal)  ──▶ viewer ──▶ frames ──▶ WebSocket
//!                             └▶ outcome (what is told)    ◀── samples, process
//! ```
//!
//! **Architecture invariant**: knows nothing of the server's inside; whatever it does, any client could do. `benches/carrel` uses the
//! same modules, so that both speak the protocol in the same words.

pub mod frames;
pub mod samples;

pub mod api;
pub mod viewer;

pub mod process;

pub mod plan;
pub mod programs;

mod crew;
pub mod drive;
pub mod outcome;
mod seat;
