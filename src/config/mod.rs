//! What an operator can set: one TOML file, every key overridable by `CARREL_SECTION__KEY`.
//!
//! Read once at start, validated, and handed down in parts: no module reads the environment by itself. Every value knows
//! its default here and nowhere else, and where its present value came from ([`load::Loaded::sources`]).

mod check;
pub mod load;

use std::path::PathBuf;

use carrel_protocol::rules;
use serde::{Deserialize, Serialize};

pub use check::Problem;
pub use load::{ConfigError, Loaded};

use crate::model::unkept::WorkspaceLimits;

/// The whole configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where and how Carrel listens.
    pub server: ServerConfig,
    /// PostgreSQL.
    pub database: DatabaseConfig,
    /// Docker Engine.
    pub engine: EngineConfig,
    /// What every sandbox is made of and may use.
    pub sandbox: SandboxConfig,
    /// Started sandboxes kept ready.
    pub pool: PoolConfig,
    /// Mailboxes and restart policy.
    pub actors: ActorsConfig,
    /// Terminal windows and scrollback.
    pub terminal: TerminalConfig,
    /// Limits on files.
    pub workspace: WorkspaceConfig,
    /// Accounts.
    pub auth: AuthConfig,
    /// Code review.
    pub review: ReviewConfig,
}

/// Section `server`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// Where everything Carrel keeps lies.
    pub data_dir: PathBuf,
    /// The address people type, when a proxy stands in front: `https://carrel.example.org`. Decides cookie flags and `Origin`.
    pub public_url: Option<String>,
    /// Threads that serve HTTP and WebSockets; 0 is one per core.
    pub workers: usize,
    /// Seconds a graceful shutdown may take altogether.
    pub shutdown_seconds: u64,
    /// Seconds without a heartbeat after which another server on the same database may take this one's sessions over.
    pub lease_seconds: u64,
    /// `human`, `json`, or `auto`: human when standard error is a terminal.
    pub log_format: LogFormat,
    /// A `tracing` filter such as `info,carrel=debug`.
    pub log_filter: String,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            data_dir: "data".into(),
            public_url: None,
            workers: 0,
            shutdown_seconds: 10,
            lease_seconds: 15,
            log_format: LogFormat::Auto,
            log_filter: "info,actix_server=warn".into(),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
    /// `human` on a terminal, `json` otherwise.
    Auto,
}

/// Section `database`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://user@host/name`, several hosts allowed; absent: Carrel runs its own under the data directory.
    pub url: Option<String>,
    /// Connections for requests and keystroke-time queries.
    pub interactive_connections: u32,
    /// Connections for restores and batches of changes.
    pub bulk_connections: u32,
    /// Checkouts that may wait in each lane; one more is refused at once.
    pub waiting_line: usize,
    /// Milliseconds a checkout may wait.
    pub checkout_timeout_ms: u64,
    /// Milliseconds a statement may run, on the server's own clock.
    pub statement_timeout_ms: u64,
    /// Milliseconds to open one connection.
    pub connect_timeout_ms: u64,
    /// System user an embedded PostgreSQL runs as when Carrel is root.
    pub embedded_user: String,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: None,
            interactive_connections: 12,
            bulk_connections: 4,
            waiting_line: 512,
            checkout_timeout_ms: 5_000,
            statement_timeout_ms: 15_000,
            connect_timeout_ms: 3_000,
            embedded_user: "postgres".into(),
        }
    }
}

/// Section `engine`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// `unix:///path`; absent: `DOCKER_HOST`, then the usual socket, then (as root) Carrel's own engine.
    pub host: Option<String>,
    /// Which engine to use when `host` is absent.
    pub embedded: Embedded,
    /// OCI runtime: `runc`, `crun`, `runsc`, …; absent: the engine's default.
    pub runtime: Option<String>,
    /// Milliseconds one call to the engine may take; starting a container gets three times as long.
    pub call_timeout_ms: u64,
    /// Containers created or started at the same time; more wait.
    pub concurrent_starts: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { host: None, embedded: Embedded::Auto, runtime: None, call_timeout_ms: 20_000, concurrent_starts: 4 }
    }
}

/// Whether Carrel runs its own Docker Engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Embedded {
    /// When no other is reachable and we are root.
    Auto,
    /// Always, whatever else runs on this machine.
    Always,
    /// Never.
    Never,
}

/// Where workspaces lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// On volumes where the machine allows, in memory elsewhere.
    Auto,
    /// On volumes; a server that cannot have them does not start.
    Volume,
    /// In memory: it goes with its sandbox.
    Memory,
}

/// Section `sandbox`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxConfig {
    /// An image with the agent in it; absent: Carrel's own, from its recipe.
    pub image: Option<String>,
    /// The agent's static binary; absent: beside this program.
    pub agent: Option<PathBuf>,
    /// A root file system made by the recipe; absent: beside this program, else built into the data directory.
    pub rootfs: Option<PathBuf>,
    /// Memory in MiB for programs and for the files in the sandbox's temporary file systems together; no swap.
    pub memory_mb: u64,
    /// CPUs, fractions allowed.
    pub cpus: f64,
    /// Processes and threads.
    pub pids: i64,
    /// Where workspaces lie: `volume`, on a disk, so that what programs wrote survives the death of their sandbox; `memory`; `auto`: on
    /// volumes where the machine allows.
    pub storage: Storage,
    /// Size of the workspace in MiB.
    pub disk_mb: u64,
    /// Files and folders the workspace's file system holds.
    pub inodes: u64,
    /// Size in MiB of /tmp and of the home directory, each.
    pub tmp_mb: u64,
    /// Open files per process.
    pub open_files: i64,
    /// Seconds from the engine's start to the agent's call.
    pub agent_timeout_seconds: u64,
    /// Seconds without use after which a session is stopped; 0 is never.
    pub idle_seconds: u64,
    /// The same where a terminal of it is still open somewhere: a forgotten tab keeps a sandbox no longer; 0 is for ever.
    pub watched_seconds: u64,
    /// Programs that take at least so many per cent of one CPU count as use.
    pub idle_cpu_percent: f64,
    /// Seconds a session may run altogether, used or not; 0 is for ever. Its user may extend it, an hour at a time, by up to 8 hours.
    pub max_life_seconds: u64,
}

impl SandboxConfig {
    /// The least memory in MiB a sandbox can work with: its file systems, and something for the agent and programs. A workspace on a disk
    /// needs none; where it will lie is certain only of one that was told to.
    #[must_use]
    pub fn least_memory_mb(&self) -> u64 {
        let workspace = if self.storage == Storage::Volume { 0 } else { self.disk_mb };
        workspace + 2 * self.tmp_mb + 128
    }
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            image: None,
            agent: None,
            rootfs: None,
            memory_mb: 1024,
            cpus: 1.0,
            pids: 256,
            storage: Storage::Auto,
            disk_mb: 256,
            inodes: 65_536,
            tmp_mb: 64,
            open_files: 4096,
            agent_timeout_seconds: 20,
            idle_seconds: 1800,
            watched_seconds: 14_400,
            idle_cpu_percent: 5.0,
            max_life_seconds: 0,
        }
    }
}

/// Section `pool`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    /// Started sandboxes nobody has claimed yet; 0 switches the pool off.
    pub size: usize,
    /// Sandboxes, claimed ones included, this server runs at the most.
    pub max_sandboxes: usize,
    /// Milliseconds between two refills, so that starting them never takes the whole machine.
    pub refill_interval_ms: u64,
    /// MiB the machine must have left; below it the pool shrinks and makes no sandboxes. 0: however few.
    pub min_free_memory_mb: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { size: 2, max_sandboxes: 200, refill_interval_ms: 500, min_free_memory_mb: 512 }
    }
}

/// Section `actors`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActorsConfig {
    /// SessionSupervisors; sessions are spread over them by their id.
    pub supervisors: usize,
    /// Mailbox of a SessionSupervisor, in messages.
    pub supervisor_mailbox: usize,
    /// Mailbox of a SessionActor.
    pub session_mailbox: usize,
    /// Mailbox of a WorkspaceSyncActor.
    pub sync_mailbox: usize,
    /// Mailbox of the WarmPool.
    pub pool_mailbox: usize,
    /// Mailbox of the ReviewActor.
    pub review_mailbox: usize,
    /// Failures of one session within `restart_window_seconds` after which it stays failed.
    pub restart_limit: u32,
    /// See `restart_limit`.
    pub restart_window_seconds: u64,
    /// First pause before a failed actor is replaced; doubles with each failure.
    pub restart_backoff_ms: u64,
    /// Seconds a SessionActor without sandbox, viewer and work stays in memory.
    pub passivate_seconds: u64,
}

impl Default for ActorsConfig {
    fn default() -> Self {
        Self {
            supervisors: 2,
            supervisor_mailbox: 1024,
            session_mailbox: 256,
            sync_mailbox: 64,
            pool_mailbox: 256,
            review_mailbox: 1024,
            restart_limit: 3,
            restart_window_seconds: 300,
            restart_backoff_ms: 50,
            passivate_seconds: 60,
        }
    }
}

/// Section `terminal`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TerminalConfig {
    /// Bytes sent to a viewer beyond what it has acknowledged.
    pub window_bytes: u32,
    /// Bytes of scrollback kept per terminal, in the sandbox.
    pub ring_bytes: u32,
    /// Bytes a second a terminal may go on printing while people type into others, once it has printed 2 MiB faster than that; 0: as many as it likes.
    pub flood_bytes_per_second: u64,
    /// Seconds a viewer with a full window may stay silent.
    pub stall_seconds: u64,
    /// Terminals per session.
    pub max_terminals: usize,
    /// Viewers per session.
    pub max_viewers: usize,
    /// Seconds between two pings; a viewer silent for three of them is gone.
    pub ping_seconds: u64,
}

impl Default for TerminalConfig {
    fn default() -> Self {
        Self {
            window_bytes: 256 * 1024,
            ring_bytes: 2 * 1024 * 1024,
            flood_bytes_per_second: 256 * 1024,
            stall_seconds: 30,
            max_terminals: 16,
            max_viewers: 256,
            ping_seconds: 10,
        }
    }
}

/// Section `workspace`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkspaceConfig {
    /// Largest file in MiB.
    pub max_file_mb: u64,
    /// All files of a workspace together in MiB; at most `sandbox.disk_mb`.
    pub max_total_mb: u64,
    /// Files and folders of a workspace.
    pub max_items: u32,
    /// Uploads and archives of all users that are on their way, below the data directory, together in MiB; one user may have a quarter.
    pub staging_mb: u64,
    /// Uploads one user may have under way.
    pub max_uploads: usize,
    /// Days a deleted session can be had back; 0 purges it at once.
    pub undelete_days: u32,
    /// Hours for which every version of every file is kept.
    pub history_all_hours: u32,
    /// Days after which of a day's versions of a file only the last is kept; until then, the last of each hour.
    pub history_hourly_days: u32,
    /// Days after which a version goes; 0 is never.
    pub history_days: u32,
    /// All versions of one workspace's files together in MiB, compressed, each content once and 4 KiB for each version, and never less than
    /// `max_total_mb`; beyond it the files that weigh most lose their oldest.
    pub history_mb: u64,
    /// What programs make again: patterns, in `.gitignore`'s syntax, of what is not kept unless a `.carrelignore` file takes it back with `!`.
    pub ignore: Vec<String>,
}

impl WorkspaceConfig {
    /// What a workspace may hold.
    #[must_use]
    pub fn limits(&self) -> WorkspaceLimits {
        let Self { max_file_mb, max_total_mb, max_items, .. } = *self;
        WorkspaceLimits { max_file_mb, max_total_mb, max_items }
    }
}

impl Default for WorkspaceConfig {
    fn default() -> Self {
        Self {
            max_file_mb: 64,
            max_total_mb: 240,
            max_items: 50_000,
            staging_mb: 2048,
            max_uploads: 100,
            undelete_days: 7,
            history_all_hours: 24,
            history_hourly_days: 7,
            history_days: 365,
            history_mb: 1024,
            ignore: rules::TOOL_FOLDERS.map(|name| format!("{name}/")).to_vec(),
        }
    }
}

/// Section `auth`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// bcrypt cost; each step doubles the work.
    pub bcrypt_cost: u32,
    /// Passwords hashed at the same time; more wait in line, then get 429.
    pub bcrypt_workers: usize,
    /// Passwords that may wait to be hashed.
    pub bcrypt_waiting_line: usize,
    /// Days a login lasts without being used.
    pub login_days: u32,
    /// Whether anybody may register.
    pub registration: bool,
    /// Login attempts per minute and account.
    pub attempts_per_account: u32,
    /// Login attempts and registrations per minute and address.
    pub attempts_per_address: u32,
    /// Sessions one user may keep.
    pub max_sessions: u32,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            bcrypt_cost: 12,
            bcrypt_workers: 1,
            bcrypt_waiting_line: 128,
            login_days: 30,
            registration: true,
            attempts_per_account: 10,
            attempts_per_address: 300,
            max_sessions: 50,
        }
    }
}

/// How one becomes a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelfService {
    /// By saying so.
    Open,
    /// By asking an operator.
    Approval,
    /// Not at all: levels there are stay, and may be given up.
    Off,
}

/// Section `review`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewConfig {
    /// How one becomes a reviewer: `open`, `approval` or `off`.
    pub self_service: SelfService,
    /// Hours after which a review whose reviewer has done nothing to it goes back to the queue; 0: it never does.
    pub release_hours: u32,
    /// Rounds one user runs at a time.
    pub max_runs: u32,
}

impl Default for ReviewConfig {
    fn default() -> Self {
        Self { self_service: SelfService::Open, release_hours: 72, max_runs: 3 }
    }
}
