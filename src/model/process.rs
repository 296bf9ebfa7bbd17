//! Programs of a sandbox, as users see them.

use serde::Serialize;

use super::TerminalId;

/// Longest command line told, in characters.
pub const MAX_COMMAND_CHARS: usize = 256;

/// A program that runs in a sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Process {
    /// Process id inside the sandbox.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// Its command line, at most 256 characters, without characters that steer a display.
    pub command: String,
    /// Per cent of one CPU since it was last looked at, or since it began; 0 when that is not known.
    pub cpu_percent: f64,
    /// CPU time used, in milliseconds.
    pub cpu_ms: u64,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// How long it has run, in milliseconds.
    pub age_ms: u64,
    /// The terminal it belongs to, if it is one of ours.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub terminal: Option<TerminalId>,
}

/// What a sandbox takes at a moment, and what it may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Load {
    /// Per cent of one CPU, since it was last measured.
    pub cpu_percent: f64,
    /// CPUs it may use.
    pub cpus: f64,
    /// Memory in bytes, files in its temporary file systems included.
    pub memory_bytes: u64,
    /// The same, at the most.
    pub memory_limit_bytes: u64,
    /// Bytes of the workspace's file system.
    pub disk_bytes: u64,
    /// The same, at the most.
    pub disk_limit_bytes: u64,
    /// Processes.
    pub processes: u64,
    /// Processes and threads at the most.
    pub processes_limit: u64,
}
