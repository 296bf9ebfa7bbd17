//! An agent in its own folders, and the server's end of its link.
//!
//! Everything waits for an event, and panics with what it was waiting for when none comes within [`PATIENCE`].

use std::collections::VecDeque;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use carrel_protocol::{
    AgentError, Entry, EntryKind, ExitState, Expect, FrameCodec, Hello, LINK_SOCKET, LINK_TOKEN, Limits, Reply,
    Request, TerminalInfo, TerminalSize, ToAgent, ToServer, ViewerEvent, ViewerId, WorkspacePath, WriteOptions,
    codec,
};
use tempfile::TempDir;
use uuid::Uuid;

/// Far beyond anything that should happen here.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub const TOKEN: &str = "secret-of-this-test";
pub const SIZE: TerminalSize = TerminalSize { cols: 80, rows: 24 };
pub const LIMITS: Limits =
    Limits { ring_bytes: 2 * 1024 * 1024, max_items: 20_000, max_file_bytes: 8 * 1024 * 1024, viewer_stall_ms: 30_000 };

/// An agent process and its folders; ended with the value.
pub struct Sandbox {
    pub dir: TempDir,
    pub agent: Child,
    listener: UnixListener,
}

/// The server's end of one connection.
pub struct Link {
    pub hello: Hello,
    stream: UnixStream,
    buffer: BytesMut,
    /// Frames that came while something else was waited for.
    pub stash: VecDeque<ToServer>,
    next_id: u64,
}

impl Sandbox {
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("temp dir"))
    }

    /// With `dir/w` as the workspace, if it is there already, and `dir/l` as the link folder.
    pub fn start_in(dir: TempDir) -> Self {
        let link = dir.path().join("l");
        fs::create_dir_all(dir.path().join("w")).expect("workspace");
        fs::create_dir_all(&link).expect("link folder");
        fs::write(link.join(LINK_TOKEN), TOKEN).expect("token");
        let listener = UnixListener::bind(link.join(LINK_SOCKET)).expect("bind");
        let agent = Command::new(env!("CARGO_BIN_EXE_carrel-agent"))
            .arg("--link-dir")
            .arg(&link)
            .arg("--workspace")
            .arg(dir.path().join("w"))
            .spawn()
            .expect("agent");
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
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        let mut link = Link {
            hello: Hello { version: 0, token: String::new(), terminals: Vec::new(), restored: false },
            stream,
            buffer: BytesMut::new(),
            stash: VecDeque::new(),
            next_id: 1,
        };
        let ToServer::Hello(hello) = link.read("the greeting") else { panic!("the first frame is no greeting") };
        link.hello = hello;
        link
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
    }
}

impl Link {
    pub fn send(&mut self, frame: &ToAgent) {
        let bytes = codec::encoded(frame).expect("frame");
        self.send_raw(&bytes);
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the agent is there");
    }

    /// `false` when the agent has closed the link.
    pub fn try_send_raw(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    fn read(&mut self, awaited: &str) -> ToServer {
        self.read_or_end(awaited).unwrap_or_else(|| panic!("the agent closed the link; awaited {awaited}"))
    }

    fn read_or_end(&mut self, awaited: &str) -> Option<ToServer> {
        loop {
            if let Some(frame) = FrameCodec::default().decode(&mut self.buffer).expect("a frame") {
                return Some(frame);
            }
            let mut bytes = [0; 64 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.buffer.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}; awaited {awaited}"),
            }
        }
    }

    /// Whether a frame is there or comes within `time`; for showing that nothing comes.
    pub fn hears_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("timeout");
        let mut bytes = [0; 64 * 1024];
        let heard = match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.buffer.extend_from_slice(&bytes[..count]);
                true
            }
            Err(_) => false,
        };
        self.stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        heard || !self.stash.is_empty()
    }

    /// Reads until the agent closes the link.
    pub fn closed(&mut self) {
        while self.read_or_end("the end of the link").is_some() {}
    }

    /// Takes the first frame, stashed or to come, for which `pick` answers something; the others are stashed.
    pub fn find<T>(&mut self, awaited: &str, mut pick: impl FnMut(&ToServer) -> Option<T>) -> T {
        for index in 0..self.stash.len() {
            if let Some(found) = pick(&self.stash[index]) {
                self.stash.remove(index);
                return found;
            }
        }
        loop {
            let frame = self.read(awaited);
            match pick(&frame) {
                Some(found) => return found,
                None => self.stash.push_back(frame),
            }
        }
    }

    pub fn request(&mut self, request: Request) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&ToAgent::Request { id, request });
        id
    }

    pub fn answer(&mut self, id: u64) -> Result<Reply, AgentError> {
        self.find("an answer", |frame| match frame {
            ToServer::Reply { id: answered, result } if *answered == id => Some(result.clone()),
            _ => None,
        })
    }

    pub fn ask(&mut self, request: Request) -> Result<Reply, AgentError> {
        let id = self.request(request);
        self.answer(id)
    }

    pub fn open(&mut self, command: &[&str]) -> TerminalInfo {
        let command = command.iter().map(ToString::to_string).collect();
        let terminal = Uuid::new_v4();
        let request = Request::OpenTerminal { terminal, name: "t".to_owned(), size: SIZE, cwd: None, command };
        let Ok(Reply::Opened(info)) = self.ask(request) else { panic!("not opened") };
        info
    }

    /// Answers start, end and reset.
    pub fn attach(&mut self, terminal: Uuid, viewer: ViewerId, since: Option<u64>, window: u32) -> (u64, u64, bool) {
        match self.ask(Request::Attach { terminal, viewer, since, window }) {
            Ok(Reply::Attached { start, end, reset, .. }) => (start, end, reset),
            other => panic!("not attached: {other:?}"),
        }
    }

    pub fn event(&mut self, viewer: ViewerId, awaited: &str) -> ViewerEvent {
        self.find(awaited, |frame| match frame {
            ToServer::Viewer { viewer: of, event } if *of == viewer => Some(event.clone()),
            _ => None,
        })
    }

    pub fn input(&mut self, viewer: ViewerId, text: &[u8]) {
        self.send(&ToAgent::Input { viewer, bytes: text.to_vec().into() });
    }

    pub fn ack(&mut self, viewer: ViewerId, offset: u64) {
        self.send(&ToAgent::Ack { viewer, offset });
    }

    /// Acknowledges output as it comes and collects it until `enough`; the sequence must be unbroken.
    pub fn collect(&mut self, viewer: ViewerId, from: u64, mut enough: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
        let mut collected = Vec::new();
        while !enough(&collected) {
            let awaited = format!("output after {:?}", String::from_utf8_lossy(&collected[collected.len().saturating_sub(80)..]));
            if let ViewerEvent::Output { seq, bytes } = self.event(viewer, &awaited) {
                assert_eq!(seq, from + collected.len() as u64, "no byte twice, none missing");
                collected.extend_from_slice(&bytes);
                self.ack(viewer, from + collected.len() as u64);
            }
        }
        collected
    }

    pub fn collect_until(&mut self, viewer: ViewerId, from: u64, text: &str) -> String {
        let found = self.collect(viewer, from, |bytes| String::from_utf8_lossy(bytes).contains(text));
        String::from_utf8_lossy(&found).into_owned()
    }

    /// All output from `from` to the end of the program, and how it ended.
    pub fn collect_to_exit(&mut self, viewer: ViewerId, from: u64) -> (Vec<u8>, ExitState) {
        let mut collected = Vec::new();
        loop {
            match self.event(viewer, "output or exit") {
                ViewerEvent::Output { seq, bytes } => {
                    assert_eq!(seq, from + collected.len() as u64, "no byte twice, none missing");
                    collected.extend_from_slice(&bytes);
                    self.ack(viewer, from + collected.len() as u64);
                }
                ViewerEvent::Exited(exit) => return (collected, exit),
                ViewerEvent::InputTaken { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    pub fn exit_of(&mut self, terminal: Uuid) -> ExitState {
        self.find("a terminal's end", |frame| match frame {
            ToServer::TerminalExited { terminal: of, exit } if *of == terminal => Some(*exit),
            _ => None,
        })
    }

    pub fn write(&mut self, path: &str, bytes: &[u8], expect: Expect) -> Result<Reply, AgentError> {
        let options = WriteOptions { executable: false, durable: true, expect };
        self.ask(Request::WriteFile { path: at(path), options, bytes: bytes.to_vec().into() })
    }

    pub fn read_all(&mut self, path: &str) -> Result<Vec<u8>, AgentError> {
        let mut content = Vec::new();
        loop {
            match self.ask(Request::ReadFile { path: at(path), offset: content.len() as u64 })? {
                Reply::Chunk { bytes, stamp } => {
                    content.extend_from_slice(&bytes);
                    if content.len() as u64 == stamp.size {
                        return Ok(content);
                    }
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// All entries of a listing, checked against its end marker.
    pub fn scan(&mut self) -> Result<Vec<Entry>, AgentError> {
        let id = self.request(Request::Scan);
        let mut entries = Vec::new();
        let mut hasher = blake3::Hasher::new();
        loop {
            let (page, end) = self.find("a page", |frame| match frame {
                ToServer::ScanPage { id: of, entries } if *of == id => Some((entries.clone(), None)),
                ToServer::Reply { id: of, result } if *of == id => Some((Vec::new(), Some(result.clone()))),
                _ => None,
            });
            for entry in &page {
                hasher.update(&postcard::to_stdvec(entry).expect("entry"));
            }
            entries.extend(page);
            match end {
                None => {}
                Some(Ok(Reply::Scanned { count, hash })) => {
                    assert_eq!((count, hash), (entries.len() as u64, *hasher.finalize().as_bytes()));
                    return Ok(entries);
                }
                Some(Err(error)) => return Err(error),
                Some(other) => panic!("unexpected {other:?}"),
            }
        }
    }

    /// The next batch of changes, taken: its entries and whether a listing is asked for.
    pub fn changes(&mut self) -> (Vec<Entry>, bool) {
        let (batch, entries, rescan) = self.find("changes", |frame| match frame {
            ToServer::Changed { batch, entries, rescan } => Some((*batch, entries.clone(), *rescan)),
            _ => None,
        });
        self.send(&ToAgent::ChangesTaken { batch });
        (entries, rescan)
    }

    /// Takes batches, the last word on each path counting, until `told` is content.
    pub fn changes_until(&mut self, mut told: impl FnMut(&dyn Fn(&str) -> Option<EntryKind>) -> bool) {
        let mut known = std::collections::HashMap::new();
        while !told(&|path: &str| known.get(path).cloned()) {
            let (entries, rescan) = self.changes();
            assert!(!rescan, "no listing is needed");
            known.extend(entries.into_iter().map(|entry| (entry.path, entry.kind)));
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
