//! An agent in its own folders, and the server's end of its link.
//!
//! Everything waits for an event, and panics with what it was waiting for when none comes within [`PATIENCE`].

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use carrel_protocol::{
    EntryKind, LINK_SOCKET, LINK_TOKEN, Limits, NotKept, Reply, Request, Shape, TerminalSize, ToAgent, WorkspacePath,
};
use tempfile::TempDir;

pub use crate::server::Link;

/// Far beyond anything that should happen here.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub const TOKEN: &str = "secret-of-this-test";
pub const SIZE: TerminalSize = TerminalSize { cols: 80, rows: 24 };
pub const LIMITS: Limits = Limits {
    ring_bytes: 2 * 1024 * 1024,
    max_items: 20_000,
    max_file_bytes: 8 * 1024 * 1024,
    viewer_stall_ms: 30_000,
    ignore: Vec::new(),
};

/// Nothing there, and nothing of that name ignored.
pub const MISSING: EntryKind = EntryKind::Missing { ignored_file: false, ignored_folder: false };

/// Limits with patterns of the server's own.
pub fn ignoring(patterns: &[&str]) -> Limits {
    Limits { ignore: patterns.iter().map(ToString::to_string).collect(), ..LIMITS }
}

pub fn not_kept(why: NotKept, shape: Shape) -> EntryKind {
    EntryKind::NotKept { why, shape }
}

/// An agent process and its folders; ended with the value.
pub struct Sandbox {
    pub dir: TempDir,
    pub agent: Child,
    listener: UnixListener,
}

impl Sandbox {
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("temp dir"))
    }

    /// As an ordinary user; needs root to become one.
    pub fn start_as(user: u32) -> Self {
        let (dir, agent) = Self::owned_by(user);
        Self::run(dir, Command::new(agent).uid(user).gid(user))
    }

    /// As an ordinary user and PID 1 of its own namespace, as in a container; needs root.
    pub fn start_as_init() -> Self {
        let (dir, agent) = Self::owned_by(1000);
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--setuid=1000", "--setgid=1000"]);
        Self::run(dir, unshare.arg(agent))
    }

    /// Folders of an ordinary user, with an agent it may run.
    fn owned_by(user: u32) -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::create_dir(dir.path().join("w")).expect("workspace");
        // The build folder may be closed to others.
        let agent = dir.path().join("agent");
        fs::copy(env!("CARGO_BIN_EXE_carrel-agent"), &agent).expect("copy");
        for path in [dir.path(), &dir.path().join("w")] {
            std::os::unix::fs::chown(path, Some(user), Some(user)).expect("this test runs as root");
        }
        (dir, agent)
    }

    /// With `dir/w` as the workspace, if it is there already, and `dir/l` as the link folder.
    pub fn start_in(dir: TempDir) -> Self {
        Self::run(dir, &mut Command::new(env!("CARGO_BIN_EXE_carrel-agent")))
    }

    fn run(dir: TempDir, agent: &mut Command) -> Self {
        let link = dir.path().join("l");
        fs::create_dir_all(dir.path().join("w")).expect("workspace");
        fs::create_dir_all(&link).expect("link folder");
        fs::write(link.join(LINK_TOKEN), TOKEN).expect("token");
        let listener = UnixListener::bind(link.join(LINK_SOCKET)).expect("bind");
        let socket = fs::Permissions::from_mode(0o666);
        fs::set_permissions(link.join(LINK_SOCKET), socket).expect("chmod");
        agent.arg("--link-dir").arg(&link).arg("--workspace").arg(dir.path().join("w"));
        let agent = agent.spawn().expect("agent");
        Self { dir, agent, listener }
    }

    /// A sandbox whose server has said welcome and finished the restore.
    pub fn ready() -> (Self, Link) {
        Self::ready_with(LIMITS)
    }

    pub fn ready_with(limits: Limits) -> (Self, Link) {
        let sandbox = Self::start();
        let mut link = sandbox.accept(limits);
        assert_eq!(link.ask(Request::FinishRestore), Ok(Reply::Done));
        (sandbox, link)
    }

    /// Takes the agent's next connection and says welcome.
    pub fn accept(&self, limits: Limits) -> Link {
        let mut link = self.accept_silently();
        link.send(&ToAgent::Welcome(limits));
        link
    }

    /// Takes the agent's next connection up to its greeting.
    pub fn accept_silently(&self) -> Link {
        self.listener.set_nonblocking(false).expect("blocking");
        let stream = accept_within(&self.listener, PATIENCE);
        Link::greeted(stream)
    }

    pub fn workspace(&self) -> PathBuf {
        self.dir.path().join("w")
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.workspace().join(path)
    }

    /// Closes the listening socket and removes it, as a server that dies and is swept.
    pub fn stop_listening(&mut self) {
        let away = self.dir.path().join("away.sock");
        self.listener = UnixListener::bind(&away).expect("bind");
        fs::remove_file(away).expect("remove");
        fs::remove_file(self.dir.path().join("l").join(LINK_SOCKET)).expect("remove");
    }

    pub fn listen_again(&mut self) {
        self.listener = UnixListener::bind(self.dir.path().join("l").join(LINK_SOCKET)).expect("bind");
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.agent.id()).expect("pid");
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).expect("pid"), signal).expect("kill");
    }

    /// Ends the agent and hands back its folders.
    pub fn end(mut self) -> TempDir {
        self.signal(rustix::process::Signal::TERM);
        self.wait();
        std::mem::replace(&mut self.dir, tempfile::tempdir().expect("temp dir"))
    }

    /// Waits for the agent to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        until("the agent's end", || self.agent.try_wait().expect("wait"))
    }

    /// Resident memory of the agent, in KiB.
    pub fn memory_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.agent.id())).expect("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_ascii_whitespace().nth(1).expect("figure").parse().expect("number")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.agent.try_wait().ok().flatten().is_none() {
            self.signal(rustix::process::Signal::TERM);
            let _ = self.agent.wait();
        }
        self.kill_stragglers();
    }
}

impl Sandbox {
    /// Ends what programs have left running in the workspace. In a container the agent is PID 1, and the kernel does this.
    fn kill_stragglers(&self) {
        let workspace = self.workspace();
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = process.file_name().to_str().and_then(|name| rustix::process::Pid::from_raw(name.parse().ok()?));
            let works_here = fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&workspace));
            if let Some(pid) = pid.filter(|_| works_here) {
                // It may have ended by now.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

pub fn at(path: &str) -> WorkspacePath {
    WorkspacePath::new(path).expect(path)
}

pub fn file(content: &[u8]) -> EntryKind {
    let hash = Some(*blake3::hash(content).as_bytes());
    EntryKind::File { size: content.len() as u64, executable: false, hash }
}

/// Asks again and again, yielding in between; for what only `/proc` and `waitpid` tell.
pub fn until<T>(awaited: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "awaited {awaited}");
        std::thread::yield_now();
    }
}

/// Waits for a process to be gone altogether, its parent's reaping included.
pub fn gone(pid: u32) {
    until("the end of a process", || (!Path::new(&format!("/proc/{pid}")).exists()).then_some(()));
}

fn accept_within(listener: &UnixListener, patience: Duration) -> UnixStream {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(listener, PollFlags::IN)];
    let timeout = Timespec { tv_sec: i64::try_from(patience.as_secs()).expect("seconds"), tv_nsec: 0 };
    assert_eq!(poll(&mut fds, Some(&timeout)), Ok(1), "the agent dials");
    listener.accept().expect("accept").0
}
