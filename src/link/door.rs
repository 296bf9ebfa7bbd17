//! Where a sandbox's agent knocks: one unix socket per sandbox, in a host directory only that sandbox sees, read-only.
//!
//! The directory of one sandbox:
//! ```text
//! <run>/l/<sandbox>/        0700, ours
//!   token                   what the agent must say; the server's own copy
//!   claimed                 present once a session's files may have been put into the sandbox
//!   m/                      mounted at /run/carrel in the sandbox
//!     agent.sock            0666: the agent is uid 1000
//!     token                 read by the agent when it starts; removed when it has called once
//! ```
//! The token is read by the agent before any of the user's programs runs and gone before the first of them could look.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use carrel_protocol::{FrameCodec, Hello, LINK_SOCKET, LINK_TOKEN, Limits, PROTOCOL_VERSION, ToServer};
use futures_util::Stream;
use subtle::ConstantTimeEq;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use super::connection::{AgentLink, LinkEvents, OwnedLink};
use crate::model::SandboxId;

/// How long a caller may take to introduce itself.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);

/// Callers introducing themselves at the same time. Programs in the sandbox can knock too; they must not keep the agent out.
const MAX_GREETINGS: usize = 8;

/// Somebody who is not the agent keeps his place for so long: [`MAX_GREETINGS`] a second is all the work a hostile program can make.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// How often refusals are told.
const REFUSALS_TOLD_EVERY: Duration = Duration::from_secs(60);

/// Bytes of a greeting: a few dozen terminals with their names.
const MAX_GREETING_BYTES: usize = 64 * 1024;

/// Why a sandbox has no door.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {cause}")]
pub struct DoorError {
    action: &'static str,
    path: PathBuf,
    cause: io::Error,
}

/// The directory of one sandbox's link.
#[derive(Clone, Debug)]
pub struct LinkDir {
    root: PathBuf,
}

impl LinkDir {
    /// Names the directory of `sandbox` below `run`; touches nothing.
    #[must_use]
    pub fn of(run: &Path, sandbox: SandboxId) -> Self {
        Self { root: run.join("l").join(sandbox.0.simple().to_string()) }
    }

    /// The sandboxes that have a directory below `run`.
    ///
    /// # Errors
    /// When the directory cannot be read; that there is none yet is no error.
    pub fn list(run: &Path) -> Result<Vec<SandboxId>, DoorError> {
        let path = run.join("l");
        match fs::read_dir(&path) {
            Ok(entries) => Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(cause) => Err(DoorError { action: "list", path, cause }),
        }
    }

    /// The directory to mount into the sandbox.
    #[must_use]
    pub fn mounted(&self) -> PathBuf {
        self.root.join("m")
    }

    /// Makes the directory with a fresh token.
    ///
    /// # Errors
    /// Of the file system.
    pub fn create(&self) -> Result<(), DoorError> {
        let at = |path: &Path, action| {
            let path = path.to_owned();
            move |cause| DoorError { action, path, cause }
        };
        let token = hex::encode(rand::random::<[u8; 32]>());
        let mounted = self.mounted();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.root).map_err(at(&self.root, "make"))?;
        fs::create_dir_all(&mounted).map_err(at(&mounted, "make"))?;
        fs::set_permissions(&mounted, fs::Permissions::from_mode(0o755)).map_err(at(&mounted, "set the mode of"))?;
        for (path, mode) in [(self.root.join(LINK_TOKEN), 0o600), (mounted.join(LINK_TOKEN), 0o644)] {
            let write = || {
                let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&path)?;
                file.set_permissions(fs::Permissions::from_mode(mode))?;
                file.write_all(token.as_bytes())
            };
            write().map_err(at(&path, "write"))?;
        }
        Ok(())
    }

    /// Notes that the sandbox is somebody's: it may never be handed to anybody else.
    ///
    /// # Errors
    /// Of the file system; the sandbox must then not be used.
    pub fn mark_claimed(&self) -> Result<(), DoorError> {
        let path = self.root.join("claimed");
        fs::write(&path, b"").map_err(|cause| DoorError { action: "write", path, cause })
    }

    /// Whether [`LinkDir::mark_claimed`] was ever called, by this or an earlier server.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.root.join("claimed").exists()
    }

    /// Removes the directory and all in it; absent is fine.
    ///
    /// # Errors
    /// Of the file system.
    pub fn remove(&self) -> Result<(), DoorError> {
        match fs::remove_dir_all(&self.root) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(DoorError { action: "remove", path: self.root.clone(), cause })
            }
            _ => Ok(()),
        }
    }
}

/// An agent that has called: its link, its events and what it said first.
#[derive(Debug)]
pub struct Caller {
    /// The link; ends when this is dropped.
    pub link: OwnedLink,
    /// What the agent reports.
    pub events: LinkEvents,
    /// Terminals it holds and whether its workspace is complete.
    pub hello: Hello,
}

/// Accepts the agent of one sandbox, again and again. Dropping it closes the socket; links that are open stay open.
#[derive(Debug)]
pub struct Door {
    callers: mpsc::Receiver<Caller>,
    foreign: watch::Receiver<Option<u16>>,
    task: JoinHandle<()>,
}

impl Door {
    /// Listens in `dir`, replacing the socket an earlier server left there.
    ///
    /// # Errors
    /// Of the file system, or when the directory was never made.
    pub async fn open(dir: LinkDir, limits: Limits) -> Result<Self, DoorError> {
        let token_path = dir.root.join(LINK_TOKEN);
        let token =
            fs::read_to_string(&token_path).map_err(|cause| DoorError { action: "read", path: token_path, cause })?;
        let path = dir.mounted().join(LINK_SOCKET);
        let bind = || {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            let listener = UnixListener::bind(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
            Ok(listener)
        };
        let listener = bind().map_err(|cause| DoorError { action: "listen on", path: path.clone(), cause })?;
        let (sender, callers) = mpsc::channel(1);
        let (told, foreign) = watch::channel(None);
        let visitors = Arc::new(Visitors { dir, token, limits, sender, foreign: told, refusals: Refusals::default() });
        Ok(Self { callers, foreign, task: tokio::spawn(visitors.welcome_for_ever(listener)) })
    }

    /// Waits for the sandbox's agent to show that it speaks another version of the protocol; which.
    pub fn foreign(&self) -> impl Future<Output = u16> + Send + use<> {
        let mut foreign = self.foreign.clone();
        async move {
            match foreign.wait_for(Option::is_some).await.map(|version| *version) {
                Ok(Some(version)) => version,
                _ => std::future::pending().await,
            }
        }
    }

    /// Waits for the agent's next call. Cancel-safe.
    pub async fn next(&mut self) -> Option<Caller> {
        self.callers.recv().await
    }
}

impl Stream for Door {
    type Item = Caller;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Caller>> {
        self.callers.poll_recv(cx)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Visitors {
    dir: LinkDir,
    token: String,
    limits: Limits,
    sender: mpsc::Sender<Caller>,
    /// The version the agent speaks, when it is not ours.
    foreign: watch::Sender<Option<u16>>,
    refusals: Refusals,
}

impl Visitors {
    async fn welcome_for_ever(self: Arc<Self>, listener: UnixListener) {
        let greetings = Arc::new(Semaphore::new(MAX_GREETINGS));
        loop {
            let Ok(slot) = Arc::clone(&greetings).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let visitors = Arc::clone(&self);
                    tokio::spawn(async move {
                        if visitors.greet(stream).await.is_none() {
                            tokio::time::sleep(REFUSED_PAUSE).await;
                        }
                        drop(slot);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: others will end and free some.
                    tracing::warn!(error = %error, "cannot accept a sandbox's agent");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// `None` for whoever is not our agent.
    async fn greet(&self, stream: UnixStream) -> Option<()> {
        let greeting = tokio::time::timeout(GREETING_TIMEOUT, read_hello(&stream)).await;
        let (hello, left_over) = greeting.ok().flatten()?;
        let known: bool = hello.token.as_bytes().ct_eq(self.token.as_bytes()).into();
        if !known || hello.version != PROTOCOL_VERSION {
            self.refusals.warn(hello.version, known);
            if known {
                self.foreign.send_replace(Some(hello.version));
            }
            return None;
        }
        if let Err(error) = fs::remove_file(self.dir.mounted().join(LINK_TOKEN))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::error!(error = %error, "a sandbox's token stays readable; the sandbox is not used");
            return None;
        }
        if let Ok((link, events)) = AgentLink::open(stream, left_over, self.limits.clone()) {
            // The session may be gone; then so is its sandbox, in a moment.
            self.sender.send(Caller { link: OwnedLink::new(link), events, hello }).await.ok();
        }
        Some(())
    }
}

/// Says that callers were refused, once in a while: any program in the sandbox may call as often as it likes.
#[derive(Debug, Default)]
struct Refusals(Mutex<(u64, Option<Instant>)>);

impl Refusals {
    fn warn(&self, version: u16, known: bool) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (refused, last) = &mut *told;
        *refused += 1;
        if last.is_none_or(|last| last.elapsed() >= REFUSALS_TOLD_EVERY) {
            *last = Some(Instant::now());
            tracing::warn!(
                agent.version = version,
                agent.token_known = known,
                refused,
                "refused a caller on a sandbox's socket"
            );
        }
    }
}

/// The first frame, if it is a greeting, and what was read beyond it.
async fn read_hello(stream: &UnixStream) -> Option<(Hello, BytesMut)> {
    let codec = FrameCodec::<ToServer>::default();
    let mut buffer = BytesMut::with_capacity(1024);
    loop {
        match codec.decode(&mut buffer) {
            Ok(Some(ToServer::Hello(hello))) => return Some((hello, buffer)),
            Ok(None) if buffer.len() <= MAX_GREETING_BYTES => {}
            _ => return None,
        }
        stream.readable().await.ok()?;
        match stream.try_read_buf(&mut buffer) {
            Ok(0) => return None,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    const LIMITS: Limits =
        Limits { ring_bytes: 0, max_items: 0, max_file_bytes: 0, viewer_stall_ms: 0, ignore: Vec::new() };

    /// Says hello in this version, with the token at `token`.
    async fn knock(dir: &LinkDir, version: u16, token: &str) -> UnixStream {
        let mut stream = UnixStream::connect(dir.mounted().join(LINK_SOCKET)).await.expect("connects");
        let hello = Hello { version, token: token.to_owned(), terminals: Vec::new(), restored: true };
        let mut frame = BytesMut::new();
        carrel_protocol::codec::encode(&ToServer::Hello(hello), &mut frame).expect("fits");
        stream.write_all(&frame).await.expect("written");
        stream
    }

    #[tokio::test]
    async fn an_agent_of_another_version_is_told_apart_from_a_stranger() {
        let run = tempfile::tempdir().expect("a folder");
        let dir = LinkDir::of(run.path(), SandboxId::new());
        dir.create().expect("made");
        let token = fs::read_to_string(dir.root.join(LINK_TOKEN)).expect("a token");
        let mut door = Door::open(dir.clone(), LIMITS).await.expect("opens");
        let _stranger = knock(&dir, PROTOCOL_VERSION + 1, "guessed").await;
        let _older = knock(&dir, PROTOCOL_VERSION - 1, &token).await;
        assert_eq!(door.foreign().await, PROTOCOL_VERSION - 1);
        let _ours = knock(&dir, PROTOCOL_VERSION, &token).await;
        assert!(door.next().await.is_some_and(|caller| caller.hello.version == PROTOCOL_VERSION));
    }

    #[tokio::test]
    async fn who_calls_without_end_is_answered_a_few_times_a_second() {
        let run = tempfile::tempdir().expect("a folder");
        let dir = LinkDir::of(run.path(), SandboxId::new());
        dir.create().expect("made");
        let token = fs::read_to_string(dir.root.join(LINK_TOKEN)).expect("a token");
        let mut door = Door::open(dir.clone(), LIMITS).await.expect("opens");
        let began = Instant::now();
        let mut strangers = Vec::new();
        for _ in 0..2 * MAX_GREETINGS {
            strangers.push(knock(&dir, PROTOCOL_VERSION, "guessed").await);
        }
        let _ours = knock(&dir, PROTOCOL_VERSION, &token).await;
        assert!(door.next().await.is_some(), "the agent has its turn after them");
        assert!(began.elapsed() >= 2 * REFUSED_PAUSE, "{:?}", began.elapsed());
    }
}
