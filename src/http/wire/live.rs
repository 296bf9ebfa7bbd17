//! Shapes of what runs in a session.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model;

/// A program that runs in a session's sandbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct Process {
    /// Process id inside the sandbox.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// Its command line.
    pub command: String,
    /// Per cent of one CPU since it was last looked at, or since it began; 0 when that is not known.
    pub cpu_percent: f64,
    /// CPU time used, in milliseconds.
    pub cpu_ms: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// How long it has run, in milliseconds.
    pub age_ms: u64,
    /// The terminal it belongs to.
    pub terminal: Option<Uuid>,
}

impl From<model::Process> for Process {
    fn from(process: model::Process) -> Self {
        let model::Process { pid, parent, command, cpu_percent, cpu_ms, memory_bytes, age_ms, terminal } = process;
        let terminal = terminal.map(|terminal| terminal.0);
        Self { pid, parent, command, cpu_percent, cpu_ms, memory_bytes, age_ms, terminal }
    }
}

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
