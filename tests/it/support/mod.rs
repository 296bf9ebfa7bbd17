//! What tests stand on.

pub mod cleaner;
pub mod engine;
pub mod janitor;
pub mod postgres;
pub mod server;
