//! One running `dockerd`: found by its pid file, started, ended.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::process::{Child, Command};

use super::layout::{Layout, file_error};
use super::{EmbeddedError, find_program};

/// Where system programs are, whatever our PATH says.
pub(super) const SYSTEM_PATHS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// How long the kernel may take to end a killed process.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// A process that is, or was, our `dockerd`. Held by a handle, not by its number, which may come to name something else.
pub(super) struct Daemon {
    pid: Pid,
    handle: Process,
    child: Option<Child>,
}

impl Daemon {
    /// The one the pid file names, if it lives and is ours.
    pub(super) fn find(layout: &Layout) -> Option<Self> {
        let pid = read_pid(&layout.pid_file)?;
        // The handle first, then the look: were it the other way round, the number could change hands in between.
        let handle = Process::open(pid)?;
        let config = layout.config.as_os_str().as_encoded_bytes();
        let ours = command_line(pid).iter().any(|argument| argument == config);
        ours.then_some(Self { pid, handle, child: None })
    }

    /// Starts one. It is in a process group of its own, so that Ctrl-C on our terminal is not for it, and in a network
    /// namespace of its own: with no bridge it would delete the machine's `docker0`.
    pub(super) async fn spawn(layout: &Layout) -> Result<Self, EmbeddedError> {
        layout.prepare()?;
        clear_the_way(layout).await?;
        let log = layout.open_log()?;
        let log_again = log.try_clone().map_err(file_error(&layout.log))?;
        let missing = |program| move || EmbeddedError::ProgramMissing { program, package: "docker.io" };
        let unshare = find_program("unshare").ok_or_else(missing("unshare"))?;
        let dockerd = find_program("dockerd").ok_or_else(missing("dockerd"))?;
        let path = std::env::var("PATH").unwrap_or_default();
        let child = Command::new(unshare)
            .args(["--net", "--"])
            .arg(dockerd)
            .arg("--config-file")
            .arg(&layout.config)
            // The one option whose name in the file, by a mistake of dockerd's, is refused.
            .arg(format!("--containerd-plugins-namespace={}-plugins", layout.name))
            // Nothing of our environment (credentials of a database, proxies) is for it or for what it starts.
            .env_clear()
            .env("PATH", format!("{path}:{}", SYSTEM_PATHS.join(":")))
            .env("HOME", "/root")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_again)
            .process_group(0)
            .kill_on_drop(false)
            .spawn()
            .map_err(file_error(&layout.config))?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let found = pid.and_then(|pid| Some((pid, Process::open(pid)?)));
        let Some((pid, handle)) = found else {
            return Err(EmbeddedError::DidNotStart {
                why: "ended at once".into(),
                log: layout.log.clone(),
                last_words: layout.last_words(),
            });
        };
        Ok(Self { pid, handle, child: Some(child) })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits until it has ended and says how; only for one that was started here, and for ever for another.
    pub(super) async fn ended(&mut self) -> String {
        match &mut self.child {
            Some(child) => child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string()),
            None => std::future::pending().await,
        }
    }

    /// Asks it to end and waits for that; false when it does not.
    pub(super) async fn terminate(&self, patience: Duration) -> bool {
        self.handle.signal(Signal::TERM);
        self.handle.ended(patience).await
    }

    /// Ends it, and its `containerd` with it, which dies with its parent. False when even that has not worked.
    pub(super) async fn kill(&self) -> bool {
        self.handle.kill().await
    }
}

/// One that was killed has left its pid file, and the next refuses to start while any process has that number. Its
/// `containerd`, about to go or a zombie nobody has reaped, would be taken for one that serves.
async fn clear_the_way(layout: &Layout) -> Result<(), EmbeddedError> {
    let containerd_pid_file = layout.exec_root.join("containerd/containerd.pid");
    if let Some(pid) = read_pid(&containerd_pid_file)
        && let Some(containerd) = Process::open(pid)
        && is_our_containerd(layout, &command_line(pid))
    {
        containerd.kill().await;
    }
    for path in [&layout.pid_file, &containerd_pid_file] {
        match fs::remove_file(path) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(file_error(path)(why)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether these are the arguments of the `containerd` that our `dockerd` starts.
pub(super) fn is_our_containerd(layout: &Layout, arguments: &[Vec<u8>]) -> bool {
    let config = layout.exec_root.join("containerd/containerd.toml");
    arguments.iter().any(|argument| argument == config.as_os_str().as_encoded_bytes())
}

/// A process's arguments; none for a zombie, and for a process that is gone.
pub(super) fn command_line(pid: Pid) -> Vec<Vec<u8>> {
    let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    line.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect()
}

fn read_pid(path: &Path) -> Option<Pid> {
    fs::read_to_string(path).ok()?.trim().parse().ok().and_then(Pid::from_raw)
}

/// A handle on a process, which stays its own when the number is used again.
pub(super) struct Process(OwnedFd);

impl Process {
    /// `None` when there is no such process (any more).
    pub(super) fn open(pid: Pid) -> Option<Self> {
        pidfd_open(pid, PidfdFlags::empty()).ok().map(Self)
    }

    pub(super) fn signal(&self, signal: Signal) {
        // Ended before it could be signalled: as wished.
        let _ = pidfd_send_signal(&self.0, signal);
    }

    /// Kills it and waits until it has ended; false when the kernel holds it (a stuck disk).
    pub(super) async fn kill(&self) -> bool {
        self.signal(Signal::KILL);
        self.ended(KILL_PATIENCE).await
    }

    /// Waits until it has ended (a zombie has); false when `patience` is over first.
    pub(super) async fn ended(&self, patience: Duration) -> bool {
        let Ok(handle) = self.0.try_clone() else { return false };
        let waiting = tokio::task::spawn_blocking(move || {
            let patience = Timespec::try_from(patience).ok();
            poll(&mut [PollFd::new(&handle, PollFlags::IN)], patience.as_ref()).is_ok_and(|ready| ready > 0)
        });
        waiting.await.unwrap_or(false)
    }
}
