//! Runs of rounds, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Session;

/// A round to be run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRound {
    /// Which; the newest when absent.
    pub round: Option<u32>,
}

/// A round that is run.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    /// The session it is run in: terminals, files and all else as in any other of yours.
    pub session: Session,
    /// Which round.
    pub round: u32,
}
