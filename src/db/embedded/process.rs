//! The postmaster: starting it, finding one that runs already, signalling it and waiting for its end.
//!
//! PostgreSQL notes its process id in `postmaster.pid`. A process id alone proves nothing, as another process may have it by now; one
//! whose name is `postgres` and whose working directory is the cluster is ours. Directories are compared by device and inode, as
//! paths depend on who looks: PostgreSQL may run in a mount namespace of its own (see [`super::reach`]).

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::time::Instant;

use super::cluster::{Cluster, io};
use super::{EmbeddedError, LEAVE_TIMEOUT};

/// How long a started server may take to note its process id; it does so first of all.
const PID_FILE_TIMEOUT: Duration = Duration::from_secs(20);
/// Between two looks at that file.
const PID_FILE_POLL: Duration = Duration::from_millis(5);

/// A running postmaster.
pub(super) struct Postmaster {
    pid: Pid,
    handle: AsyncFd<OwnedFd>,
    /// Ours to reap; `None` when adopted.
    child: Option<Child>,
    socket_dir: Option<PathBuf>,
    has_ended: bool,
}

impl Postmaster {
    #[expect(
        deprecated,
        reason = "what replaces AsyncFd::new is unsafe; an OwnedFd keeps its number until it is dropped"
    )]
    fn new(pid: Pid, child: Option<Child>, socket_dir: Option<PathBuf>) -> std::io::Result<Self> {
        let handle = AsyncFd::new(pidfd_open(pid, PidfdFlags::empty())?)?;
        Ok(Self { pid, handle, child, socket_dir, has_ended: false })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Where its socket is, if it told.
    pub(super) fn socket_dir(&self) -> Option<&Path> {
        self.socket_dir.as_deref()
    }

    /// Whether its socket is still there: somebody may have cleaned up below it.
    pub(super) fn has_socket(&self) -> bool {
        self.socket_dir.as_ref().is_none_or(|dir| dir.join(".s.PGSQL.5432").exists())
    }

    /// Sends a signal, to this process and no other, if it still runs.
    pub(super) fn signal(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(self.handle.get_ref(), signal) {
            tracing::debug!(%error, pid = self.pid(), "PostgreSQL is gone already");
        }
    }

    /// Returns once it has ended. May be dropped and called again.
    pub(super) async fn ended(&mut self) {
        if self.has_ended {
            return;
        }
        // A process handle becomes readable when its process ends, and stays so.
        if let Err(error) = self.handle.readable().await {
            tracing::error!(%error, "cannot wait for PostgreSQL");
        }
        if let Some(child) = &mut self.child
            && let Err(error) = child.wait().await
        {
            tracing::error!(%error, "cannot reap PostgreSQL");
        }
        self.has_ended = true;
    }
}

/// Starts the server.
pub(super) async fn spawn(cluster: &Cluster) -> Result<Postmaster, EmbeddedError> {
    let program = cluster.bin.join("postgres");
    let path = cluster.start_log();
    let log = fs::File::create(&path).map_err(|e| io("cannot write", &path, e))?;
    let copy = log.try_clone().map_err(|e| io("cannot write", &path, e))?;
    let mut command = cluster.way.command(&program, &cluster.data);
    command.arg("-D").arg(&cluster.data).stdin(Stdio::null()).stdout(log).stderr(copy).process_group(0);
    let child = tokio::process::Command::from(command).spawn().map_err(|e| io("cannot start", &program, e))?;
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let pid = pid.ok_or_else(|| EmbeddedError::NotReady(cluster.last_words()))?;
    Postmaster::new(pid, Some(child), None).map_err(|e| io("cannot watch", &program, e))
}

/// Waits until a server that was just spawned has taken the data directory; it may refuse it.
pub(super) async fn wait_for_pid_file(postmaster: &mut Postmaster, cluster: &Cluster) -> Result<(), EmbeddedError> {
    let deadline = Instant::now() + PID_FILE_TIMEOUT;
    loop {
        if PidFile::read(&cluster.data).is_some_and(|file| file.pid == postmaster.pid && file.socket_dir.is_some()) {
            return Ok(());
        }
        tokio::select! {
            () = postmaster.ended() => {
                return Err(EmbeddedError::Program { program: "postgres", output: cluster.last_words() });
            }
            () = tokio::time::sleep(PID_FILE_POLL) => {}
        }
        if Instant::now() > deadline {
            postmaster.signal(Signal::QUIT);
            return Err(EmbeddedError::NotReady(cluster.last_words()));
        }
    }
}

/// The server that runs on the cluster in `data`, if one does. Waits for one that is just ending, and clears away a note that would
/// keep a new one from starting.
pub(super) async fn find(data: &Path) -> Result<Option<Postmaster>, EmbeddedError> {
    let Some(file) = PidFile::read(data) else { return Ok(None) };
    if !is_postgres_of(file.pid, data) {
        // Processes of a postmaster that was killed notice and go; while they are there, PostgreSQL itself refuses to start.
        if is_alive(file.pid) && !has_processes(data) {
            let path = data.join("postmaster.pid");
            tracing::warn!(
                pid = file.pid.as_raw_nonzero().get(),
                "removing the note of a PostgreSQL that is long gone"
            );
            fs::remove_file(&path).map_err(|e| io("cannot remove", &path, e))?;
        }
        return Ok(None);
    }
    let Ok(mut postmaster) = Postmaster::new(file.pid, None, file.socket_dir) else { return Ok(None) };
    if file.status == "stopping" {
        let pid = postmaster.pid();
        return match tokio::time::timeout(LEAVE_TIMEOUT, postmaster.ended()).await {
            Ok(()) => Ok(None),
            Err(_) => Err(EmbeddedError::DoesNotEnd(pid)),
        };
    }
    Ok(Some(postmaster))
}

/// What `postmaster.pid` says.
struct PidFile {
    pid: Pid,
    socket_dir: Option<PathBuf>,
    /// `starting`, `ready`, `stopping` or `standby`; empty at first.
    status: String,
}

impl PidFile {
    fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        Some(Self {
            pid: Pid::from_raw(lines.first()?.trim().parse().ok()?)?,
            socket_dir: lines.get(4).filter(|line| line.starts_with('/')).map(PathBuf::from),
            status: lines.get(7).map_or_else(String::new, |line| line.trim().to_owned()),
        })
    }
}

fn is_alive(pid: Pid) -> bool {
    Path::new(&format!("/proc/{}", pid.as_raw_nonzero())).exists()
}

fn is_postgres_of(pid: Pid, data: &Path) -> bool {
    identity(data).is_some_and(|data| works_in(&PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero())), data))
}

/// Whether any of PostgreSQL's processes works in the cluster.
pub(super) fn has_processes(data: &Path) -> bool {
    let Some(data) = identity(data) else { return false };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.map(|entry| entry.path()).any(|process| works_in(&process, data))
}

/// Whether `process`, a folder of `/proc`, is PostgreSQL's and works in the folder `data`. (The name comes first: the folder of any
/// other process may lie on a file system that does not answer.)
fn works_in(process: &Path, data: (u64, u64)) -> bool {
    fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim_end() == "postgres")
        && identity(&process.join("cwd")) == Some(data)
}

/// Device and inode.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    fs::metadata(folder).ok().map(|folder| (folder.dev(), folder.ino()))
}
