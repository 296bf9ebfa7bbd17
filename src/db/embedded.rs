//! A PostgreSQL of our own, for those who have none: one cluster in the data directory, reachable over a private socket only.
//!
//! ```text
//!   start ──▶ look for a live one ──found──▶ adopt ──┐
//!                   │ none                           ├─▶ accepts connections ─▶ kept ─▶ stop: SIGINT, then SIGQUIT
//!                   └─▶ initdb (once) ─▶ spawn ──────┘                    ▲       │
//!                                                                         └─ died ┘ started again, with pauses
//! ```
//!
//! **Invariants.** PostgreSQL outlives a killed server and the next one adopts it; two never run on one directory. It runs as a system
//! user of its own when Carrel is root, in a process group of its own, so that Ctrl-C at a terminal does not reach it, and where that
//! user could not reach the data directory in a mount namespace of its own (see [`reach`]). A cluster comes into being whole or not at
//! all. Commits are on disk when answered: `fsync` and `synchronous_commit` are checked, not hoped for.
//!
//! Folders: `DIR/cluster` (PostgreSQL's), `DIR/log`, `DIR/ballast` (see [`ballast`]), and the socket in `RUN_DIR`.

mod ballast;
mod cluster;
mod install;
mod process;
mod reach;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::cluster::Cluster;
use self::process::Postmaster;
use super::error::with_causes;
use crate::model::backoff::Backoff;

/// How long PostgreSQL may take until it accepts connections: recovery after a crash reads at most `max_wal_size`.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// Pauses between attempts to connect to a server that is starting.
const READY_POLL: Backoff = Backoff { first: Duration::from_millis(5), most: Duration::from_millis(100) };
/// Pauses before a server that died is started again.
const RESTART: Backoff = Backoff { first: Duration::from_millis(50), most: Duration::from_secs(10) };
/// How long a server that is stopping, or the processes of one that was killed, may take to go.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(30);
/// A server that ran this long has started well.
const SETTLED: Duration = Duration::from_secs(30);
/// How long a fast shutdown may take; it writes what is in `shared_buffers`.
const FAST_STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an immediate shutdown may take.
const IMMEDIATE_STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no PostgreSQL of our own, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No programs.
    #[error(
        "PostgreSQL is not installed: run `apt-get install postgresql` (only its programs are used), \
         or give database.url to use another server"
    )]
    NotInstalled,
    /// The cluster belongs to programs that are not there.
    #[error(
        "{cluster} was made by PostgreSQL {version}, which is not installed: run `apt-get install postgresql-{version}`"
    )]
    OtherVersion {
        /// Where.
        cluster: PathBuf,
        /// The major version.
        version: String,
    },
    /// No such system user.
    #[error(
        "PostgreSQL refuses to run as root, and there is no system user {0}: \
         set database.embedded_user to one without rights of its own"
    )]
    NoUser(String),
    /// The system user cannot get there.
    #[error(
        "the system user {user} cannot reach {path} because of {closed}, nor through a mount namespace ({why}): \
         choose another place with --data-dir, or open the folders above it with chmod o+x"
    )]
    Unreachable {
        /// Who.
        user: String,
        /// Where.
        path: PathBuf,
        /// The topmost folder that is closed.
        closed: PathBuf,
        /// What the programs said that were to let it through.
        why: String,
    },
    /// The cluster is somebody else's.
    #[error("{0} belongs to another system user: start Carrel as that user, or as root, or choose another --data-dir")]
    NotOurs(PathBuf),
    /// The socket's path is longer than the kernel allows, or cannot be written in a setting.
    #[error("{0} cannot be the folder of PostgreSQL's socket: it must be at most 90 bytes of UTF-8 without quotes")]
    SocketPath(PathBuf),
    /// A program failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said last.
        output: String,
    },
    /// It runs but does not accept connections.
    #[error("PostgreSQL does not accept connections: {0}")]
    NotReady(String),
    /// It could lose commits.
    #[error(
        "{setting} is {value} in the embedded PostgreSQL, which could lose acknowledged changes: remove that from {auto}"
    )]
    NotDurable {
        /// Which setting.
        setting: &'static str,
        /// What it is.
        value: String,
        /// The file that overrides ours.
        auto: PathBuf,
    },
    /// It does not end.
    #[error("PostgreSQL (process {0}) does not end")]
    DoesNotEnd(i32),
    /// The file system.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// How it failed.
        source: std::io::Error,
    },
}

/// A running PostgreSQL of our own. Dropped without [`stop`](Self::stop) it runs on, to be adopted by the next start.
pub struct EmbeddedPostgres {
    stopping: CancellationToken,
    keeper: Mutex<Option<JoinHandle<Result<(), EmbeddedError>>>>,
    pid: i32,
    adopted: bool,
}

impl EmbeddedPostgres {
    /// Starts the cluster in `dir`, making it first if there is none, or adopts it if it runs; with the URL to connect to.
    ///
    /// `user` is the system user it runs as when we are root; `connections` how many the pool will open. Who calls holds the data
    /// directory's lock: two servers must not do this at once.
    ///
    /// # Errors
    /// Any [`EmbeddedError`] but `DoesNotEnd`.
    pub async fn start(
        dir: &Path,
        run_dir: &Path,
        user: &str,
        connections: u32,
    ) -> Result<(Self, String), EmbeddedError> {
        let cluster = Cluster::prepare(dir, run_dir, user, connections).await?;
        let mut running = process::find(&cluster.data).await?;
        if let Some(mute) = running.take_if(|running| !running.has_socket()).as_mut() {
            tracing::warn!(
                pid = mute.pid(),
                "the embedded PostgreSQL that runs has lost its socket; starting it again"
            );
            stop(mute).await?;
        }
        let (mut postmaster, adopted) = match running {
            Some(running) => (running, true),
            None => (start_patiently(&cluster).await?, false),
        };
        let url = cluster.url(postmaster.socket_dir());
        if let Err(error) = wait_until_ready(&mut postmaster, &cluster, &url).await {
            if !adopted {
                stop(&mut postmaster).await?;
            }
            return Err(error);
        }
        ballast::keep(&cluster.dir);
        let pid = postmaster.pid();
        tracing::info!(pid, adopted, dir = %cluster.data.display(), "embedded PostgreSQL is ready");
        let stopping = CancellationToken::new();
        let keeper = tokio::spawn(keep(postmaster, cluster, stopping.clone()));
        Ok((Self { stopping, keeper: Mutex::new(Some(keeper)), pid, adopted }, url))
    }

    /// The address of the server that runs on the cluster in `dir`, if one does; starts nothing.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn url_of_running(dir: &Path) -> Result<Option<String>, EmbeddedError> {
        let running = process::find(&cluster::data_in(dir)).await?;
        Ok(running.as_ref().and_then(Postmaster::socket_dir).map(cluster::url))
    }

    /// Ends the server that runs on the cluster in `dir`, if one does: what a killed Carrel has left.
    ///
    /// # Errors
    /// [`EmbeddedError::DoesNotEnd`].
    pub async fn end_running(dir: &Path) -> Result<(), EmbeddedError> {
        match process::find(&cluster::data_in(dir)).await? {
            Some(mut running) => stop(&mut running).await,
            None => Ok(()),
        }
    }

    /// Whether it ran already.
    #[must_use]
    pub fn was_adopted(&self) -> bool {
        self.adopted
    }

    /// The process id it had when it started.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Ends it: connections are cut, everything is written, and it is gone when this returns. A second call does nothing.
    ///
    /// # Errors
    /// [`EmbeddedError::DoesNotEnd`].
    pub async fn stop(&self) -> Result<(), EmbeddedError> {
        self.stopping.cancel();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        match keeper {
            Some(keeper) => keeper.await.unwrap_or(Ok(())),
            None => Ok(()),
        }
    }
}

/// Starts the server; again should processes of its predecessor still be about, or the disk be full.
async fn start_patiently(cluster: &Cluster) -> Result<Postmaster, EmbeddedError> {
    let deadline = Instant::now() + LEAVE_TIMEOUT;
    let mut attempt = 0;
    loop {
        let mut postmaster = process::spawn(cluster).await?;
        let Err(error) = process::wait_for_pid_file(&mut postmaster, cluster).await else { return Ok(postmaster) };
        if ballast::release_if_full(&cluster.dir) {
            tracing::error!("the disk is full: the ballast file was removed so that PostgreSQL can start; make room");
        } else if !process::has_processes(&cluster.data) || Instant::now() >= deadline {
            return Err(error);
        }
        tokio::time::sleep(RESTART.pause(attempt)).await;
        attempt += 1;
    }
}

async fn wait_until_ready(postmaster: &mut Postmaster, cluster: &Cluster, url: &str) -> Result<(), EmbeddedError> {
    let deadline = Instant::now() + READY_TIMEOUT;
    let mut attempt = 0;
    loop {
        let error = match cluster.check(url).await {
            Ok(()) => return Ok(()),
            Err(cluster::CheckError::NotDurable(error)) => return Err(error),
            Err(cluster::CheckError::Connect(error)) => with_causes(&error),
        };
        if Instant::now() >= deadline {
            return Err(EmbeddedError::NotReady(error));
        }
        tokio::select! {
            () = tokio::time::sleep(READY_POLL.pause(attempt)) => attempt += 1,
            () = postmaster.ended() => return Err(EmbeddedError::NotReady(cluster.last_words())),
        }
    }
}

/// Watches over the server until it is to stop, and then stops it.
async fn keep(mut postmaster: Postmaster, cluster: Cluster, stopping: CancellationToken) -> Result<(), EmbeddedError> {
    let mut attempt = 0;
    loop {
        let since = Instant::now();
        tokio::select! {
            () = stopping.cancelled() => return stop(&mut postmaster).await,
            () = postmaster.ended() => {}
        }
        if since.elapsed() > SETTLED {
            attempt = 0;
        }
        tracing::error!(pid = postmaster.pid(), "embedded PostgreSQL has ended by itself; starting it again");
        postmaster = loop {
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                () = tokio::time::sleep(RESTART.pause(attempt)) => attempt += 1,
            }
            match start_patiently(&cluster).await {
                Ok(postmaster) => break postmaster,
                Err(error) => tracing::error!(%error, "embedded PostgreSQL does not start"),
            }
        };
    }
}

async fn stop(postmaster: &mut Postmaster) -> Result<(), EmbeddedError> {
    let pid = postmaster.pid();
    // SIGTERM would wait for clients; SIGINT ends them.
    postmaster.signal(rustix::process::Signal::INT);
    if tokio::time::timeout(FAST_STOP_TIMEOUT, postmaster.ended()).await.is_ok() {
        tracing::info!(pid, "embedded PostgreSQL has stopped");
        return Ok(());
    }
    tracing::warn!(
        pid,
        "embedded PostgreSQL takes too long to stop; ending it at once, it will recover at its next start"
    );
    postmaster.signal(rustix::process::Signal::QUIT);
    match tokio::time::timeout(IMMEDIATE_STOP_TIMEOUT, postmaster.ended()).await {
        Ok(()) => Ok(()),
        Err(_) => Err(EmbeddedError::DoesNotEnd(pid)),
    }
}
