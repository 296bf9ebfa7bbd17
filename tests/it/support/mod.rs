//! What tests stand on.

pub mod cleaner;
pub mod postgres;
