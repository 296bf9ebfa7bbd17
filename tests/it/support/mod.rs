//! What tests stand on.

pub mod chaos;
pub mod client;
pub mod counter;
pub mod engine;
pub mod events;
pub mod janitor;
pub mod postgres;
pub mod process;
pub mod server;
pub mod terminal;
pub mod volumes;
pub mod writer;
