//! The orchestrator: who owns a session, its sandbox and the order of its files' changes.
//!
//! ```text
//! Sessions (the door for http) ──▶ SessionSupervisor ──▶ SessionActor ──▶ WorkspaceSyncActor
//!                                      ▲  exit notice       │  ▲
//!                                      └────────────────────┘  ├── EngineWatch   containers that died
//!                                                   WarmPool ◀─┘   sandboxes to claim
//! ```
//!
//! **Architecture invariant**: no HTTP types and no SQL here. Sessions are found through the [`registry`], which only supervisors write.
//! Nothing that can wait (engine, database, agent) is awaited while a mailbox is held up, except when an actor loads itself.

pub mod api;
pub mod describe;
pub mod edits;
pub mod engine_watch;
pub mod health;
pub mod leases;
pub mod quarantine;
pub mod registry;
pub mod review;
pub mod reviews;
pub mod sandbox;
pub mod session;
pub mod sessions;
pub mod supervisor;
pub mod sync;
mod victims;
pub mod warm_pool;
pub mod watch;

pub use reviews::Reviews;
pub use sessions::Sessions;

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::config::{Config, WorkspaceConfig};
use crate::db::Db;
use crate::db::items::{Bounds, GroupCommit};

/// What every session needs, made once by `app`.
#[derive(Clone)]
pub struct Deps {
    /// The database.
    pub db: Db,
    /// Writes small changes to many workspaces together.
    pub group_commit: GroupCommit,
    /// Makes, adopts and removes sandboxes.
    pub sandboxes: Arc<sandbox::SandboxFactory>,
    /// Started sandboxes nobody has claimed.
    pub pool: warm_pool::PoolHandle,
    /// Which sessions this server may serve.
    pub leases: Arc<leases::Leases>,
    /// Who serves which session.
    pub registry: Arc<registry::Registry>,
    /// The settings.
    pub config: Arc<Config>,
    /// The runtime that does I/O; actors' own threads only decide.
    pub io: Handle,
}

/// How much a workspace may hold.
fn bounds(workspace: &WorkspaceConfig) -> Bounds {
    Bounds { max_items: u64::from(workspace.max_items), max_bytes: workspace.max_total_mb * 1024 * 1024 }
}
