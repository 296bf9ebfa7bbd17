//! How actors let themselves be looked at.

use actix::Message;

pub use super::api::ActorDescription;

/// Asks any actor what it is doing; answered at once, so that silence means trouble.
#[derive(Message)]
#[rtype(result = "ActorDescription")]
pub struct Describe;

/// What an actor counts about itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Messages handled.
    pub handled: u64,
    /// Requests refused.
    pub refused: u64,
}
