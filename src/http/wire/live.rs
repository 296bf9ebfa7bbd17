//! Shapes of what runs in a session.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::Process;

/// What runs in a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcessList {
    /// The programs, by process id.
    pub items: Vec<Process>,
    /// Always null: there are only a few hundred.
    pub next: Option<String>,
}

/// Another name for a terminal.
#[derive(Deserialize, ToSchema)]
pub struct RenameTerminal {
    /// 1 to 64 characters.
    pub name: String,
}
