//! What tests stand on.

pub mod engine;
pub mod janitor;
