//! Our own Docker Engine: `dockerd` with its own directories, socket, cgroups and network namespace.
//!
//! ```text
//!              start                     SIGTERM, or it dies
//!   absent ──────────▶ answering ─────────────────────────────▶ dead, containers run on (live-restore)
//!                       ▲   │                                    │              │
//!                       │   └──────────── down ──────────┐       │ start        │ down
//!                       └────────────────────────────────┼───────┘              ▼
//!                                                        └─────────────────▶ absent, nothing left
//! ```
//! **Invariants**: never talks to, and never touches anything of, another engine on the machine. The process is not tied to
//! ours: when the server is killed it stays, with its containers, and the next server adopts it by its pid file. Nothing of
//! it listens on a network.
//!
//! Reading order: [`layout`] (where everything is), [`process`] (one running `dockerd`), [`sweep`] (leaving nothing), [`cgroup`].

mod cgroup;
mod layout;
mod process;
mod sweep;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;
use tokio::task::AbortHandle;

use super::client::{self, Engine};
use super::error::EngineError;
use crate::config::EngineConfig;

pub use layout::Layout;
use process::Daemon;

/// How long a new `dockerd` may take to answer: 0.3 s empty, longer with many containers to find again on a slow disk.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How long one that runs already may take, before it counts as stuck and is replaced.
const ADOPT_PATIENCE: Duration = Duration::from_secs(15);

/// How long it may take to end after SIGTERM, measured at 3 s, before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no engine of our own.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Only root can.
    #[error(
        "Carrel can run its own Docker Engine only as root; start one and set engine.host or DOCKER_HOST, or run Carrel as root"
    )]
    NotRoot,
    /// A program is not installed.
    #[error(
        "{program} is not installed (Debian: apt-get install {package}); or set engine.host or DOCKER_HOST to an engine that runs"
    )]
    ProgramMissing {
        /// Which.
        program: &'static str,
        /// What brings it.
        package: &'static str,
    },
    /// A socket's path would be too long for the operating system.
    #[error("{path} is too long for a socket ({length} bytes, at most 107); give Carrel a shorter run directory", path = path.display())]
    PathTooLong {
        /// Which path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// A file or directory.
    #[error("{path}: {why}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// The kernel gives no control groups.
    #[error(
        "this machine has no control groups mounted and they cannot be mounted ({why}); Debian: apt-get install cgroupfs-mount"
    )]
    NoCgroups {
        /// Why not.
        why: String,
    },
    /// `dockerd` has ended, or said nothing for too long.
    #[error("dockerd did not come up ({why}); its log {log} ends: {last_words}", log = log.display())]
    DidNotStart {
        /// How it ended.
        why: String,
        /// Its log.
        log: PathBuf,
        /// The end of it.
        last_words: String,
    },
    /// It answers, and not as it should.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// How often its log's size is looked at.
const LOG_CHECK_INTERVAL: Duration = Duration::from_secs(600);

/// Our own engine. Dropping it leaves everything as it is.
#[derive(Debug)]
pub struct EmbeddedEngine {
    layout: Layout,
    /// Keeps the log within its bound.
    log_keeper: Option<AbortHandle>,
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        if let Some(keeper) = &self.log_keeper {
            keeper.abort();
        }
    }
}

impl EmbeddedEngine {
    /// Finds ours running, or starts it, and gives it with its address (`unix:///…`). Images and containers live under
    /// `data_dir`; sockets under `run_dir`, which should be short and is made, for root only, if need be.
    ///
    /// # Errors
    /// With the remedy in the message.
    pub async fn start(data_dir: &Path, run_dir: &Path) -> Result<(Self, String), EmbeddedError> {
        if !geteuid().is_root() {
            return Err(EmbeddedError::NotRoot);
        }
        for (program, package) in [("dockerd", "docker.io"), ("containerd", "containerd"), ("unshare", "util-linux")] {
            if find_program(program).is_none() {
                return Err(EmbeddedError::ProgramMissing { program, package });
            }
        }
        let mut engine = Self::at(data_dir, run_dir)?;
        engine.ensure_running().await?;
        engine.log_keeper = Some(tokio::spawn(keep_log(engine.layout.clone())).abort_handle());
        let host = engine.layout.host();
        Ok((engine, host))
    }

    /// The engine that was or would be started with the same arguments, without starting it: to look for it, or to take it
    /// [`down`](Self::down).
    ///
    /// # Errors
    /// When the directories cannot be made.
    pub fn at(data_dir: &Path, run_dir: &Path) -> Result<Self, EmbeddedError> {
        Ok(Self { layout: Layout::make(data_dir, run_dir)?, log_keeper: None })
    }

    /// Starts it again if it has died or is stuck; its containers have been running on. For whoever notices that it is away.
    ///
    /// # Errors
    /// As [`EmbeddedEngine::start`].
    pub async fn ensure_running(&self) -> Result<(), EmbeddedError> {
        let layout = &self.layout;
        if let Some(daemon) = Daemon::find(layout) {
            if wait_until_it_answers(layout, ADOPT_PATIENCE).await {
                tracing::debug!(engine.pid = daemon.pid(), "our own Docker Engine runs");
                return Ok(());
            }
            tracing::warn!(engine.pid = daemon.pid(), "our own Docker Engine does not answer; replacing it");
            daemon.kill().await;
        }
        cgroup::ensure_mounted().await?;
        let mut daemon = Daemon::spawn(layout).await?;
        let why = tokio::select! {
            answers = wait_until_it_answers(layout, START_PATIENCE) => {
                if answers {
                    tracing::info!(engine.pid = daemon.pid(), engine.socket = %layout.socket.display(), "started our own Docker Engine");
                    return Ok(());
                }
                daemon.kill().await;
                format!("silent for {} s", START_PATIENCE.as_secs())
            }
            status = daemon.ended() => status,
        };
        Err(EmbeddedError::DidNotStart { why, log: layout.log.clone(), last_words: layout.last_words() })
    }

    /// The process id of `dockerd`, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        Daemon::find(&self.layout).map(|daemon| daemon.pid())
    }

    /// Ends `dockerd` and leaves its containers running, for the next start to find.
    ///
    /// # Errors
    /// When it can be neither asked nor killed.
    pub async fn stop(&self) -> Result<(), EmbeddedError> {
        if let Some(daemon) = Daemon::find(&self.layout)
            && !daemon.terminate(STOP_PATIENCE).await
        {
            tracing::warn!(engine.pid = daemon.pid(), "our own Docker Engine did not end when asked; killed");
            daemon.kill().await;
        }
        Ok(())
    }

    /// Removes every container and ends `dockerd`, so that no process, mount, socket or control group of it is left. Images stay
    /// under the data directory.
    ///
    /// # Errors
    /// When something could not be removed; calling it again is right.
    pub async fn down(&self) -> Result<(), EmbeddedError> {
        if Daemon::find(&self.layout).is_some() {
            // A stuck engine's containers are killed by the sweep, and what it remembers of them goes at its next start.
            if let Err(error) = self.remove_all_containers().await {
                tracing::warn!(%error, "could not remove all containers by asking the engine");
            }
        }
        self.stop().await?;
        sweep::sweep(&self.layout).await
    }

    async fn remove_all_containers(&self) -> Result<(), EngineError> {
        // The instance is of no matter: everything in this engine is ours.
        let engine = Engine::connect(&EngineConfig::default(), &self.layout.host(), uuid::Uuid::nil()).await?;
        engine.remove_every_container().await
    }
}

async fn keep_log(layout: Layout) {
    let mut pause = tokio::time::interval(LOG_CHECK_INTERVAL);
    loop {
        pause.tick().await;
        let layout = layout.clone();
        let trimmed = tokio::task::spawn_blocking(move || layout.trim_log()).await;
        if let Ok(Err(error)) = trimmed {
            tracing::warn!(%error, "could not shorten our own Docker Engine's log");
        }
    }
}

/// Whether it answers before `patience` is over.
async fn wait_until_it_answers(layout: &Layout, patience: Duration) -> bool {
    let host = layout.host();
    let asking = async {
        // A socket that is not there yet gives no event to wait for across all its stages: asking costs 0.1 ms.
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            pause.tick().await;
            if client::answers(&host, patience).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(patience, asking).await.is_ok()
}

/// A program in PATH, or where system programs are: root's PATH may lack sbin.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(process::SYSTEM_PATHS.iter().map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}
