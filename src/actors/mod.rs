//! The orchestrator: who owns a session, its sandbox and its files' order.
//!
//! **Architecture invariant**: no HTTP types and no SQL here; nobody outside holds a strong address of anything but a supervisor.

pub mod api;
