//! One connection of an agent: requests, viewers, events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use carrel_protocol::{
    AgentError, Disobeyed, Eager, Entry, ExitState, Limits, MAX_DISOBEYED, MAX_IGNORED_ENTRIES, MAX_UPLOADS,
    MAX_VIEWERS, Reply, Request, RequestId, TerminalInfo, ToAgent, Usage, ViewerId, WorkspacePath,
};
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, mpsc, oneshot};

use super::outbox::Outbox;
use super::reader::{MAX_LISTED_PATH_BYTES, Reader};
use super::socket::Socket;
use super::viewer::{Port, Viewer, ViewerEvents};
use crate::model::TerminalId;

/// Requests in flight on one link; more wait. Each may carry a chunk, so this bounds the bytes under way as well.
const MAX_REQUESTS: usize = 64;

/// How long an agent may take to answer. Most answers take microseconds; a listing of the largest workspace, with every file hashed, takes
/// seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Events that may wait for the session. One batch of changes is in flight at a time and terminals are few, so more is a lie.
const EVENT_QUEUE: usize = 128;

/// Items asked for at once: with the longest paths they still fit a frame.
const MAX_GONE_ASKED: usize = 128;

/// Why something asked of an agent did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The link is down; the agent will dial again if its sandbox lives.
    #[error("the sandbox is not connected")]
    Closed,
    /// No answer in time.
    #[error("the sandbox does not answer")]
    Timeout,
    /// The agent answered with a refusal.
    #[error("{0}")]
    Agent(#[from] AgentError),
    /// The agent answered with something that does not fit the question.
    #[error("the sandbox's agent gave an answer that makes no sense")]
    Nonsense,
    /// [`MAX_VIEWERS`] are attached.
    #[error("too many viewers are attached to this session")]
    TooManyViewers,
}

/// What an agent reports by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent {
    /// Programs changed files; answer with [`AgentLink::changes_taken`].
    Changed {
        /// Number of the batch.
        batch: u64,
        /// State now; unchecked.
        entries: Vec<Entry>,
        /// Only a listing tells the truth.
        rescan: bool,
    },
    /// A terminal's program ended.
    TerminalExited {
        /// Which.
        terminal: TerminalId,
        /// How.
        exit: ExitState,
    },
}

/// Events of one link, in order; ends with the link.
pub type LinkEvents = mpsc::Receiver<LinkEvent>;

/// A connected agent. Clones are the same link; its [`OwnedLink`] decides how long it lasts.
#[derive(Clone, Debug)]
pub struct AgentLink {
    shared: Arc<Shared>,
}

/// The owner's hold on a link: ends it when dropped, however the owner ends, so that the agent notices and dials again.
#[derive(Debug)]
pub struct OwnedLink(AgentLink);

impl OwnedLink {
    pub(super) fn new(link: AgentLink) -> Self {
        Self(link)
    }
}

impl std::ops::Deref for OwnedLink {
    type Target = AgentLink;

    fn deref(&self) -> &AgentLink {
        &self.0
    }
}

impl Drop for OwnedLink {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What the link's handles, its viewers and its reader share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) socket: Socket,
    pub(super) outbox: Outbox,
    pub(super) pending: Mutex<HashMap<RequestId, Pending>>,
    pub(super) viewers: Mutex<HashMap<ViewerId, Arc<Port>>>,
    /// Entries of a listing, as the agent was told.
    max_items: usize,
    requests: Semaphore,
    /// As many as the agent keeps open.
    uploads: Semaphore,
    next_request: AtomicU64,
    next_viewer: AtomicU32,
    closed: AtomicBool,
    pub(super) on_close: Notify,
    /// Whether the reader looks on for an echo, and its being told to.
    eager: Mutex<Eager>,
    on_typed: Notify,
    /// The runtime that is to read, until the reader has moved there.
    wanted: Mutex<Option<Handle>>,
    on_wanted: Notify,
}

/// A question that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) answer: oneshot::Sender<Answer>,
    pub(super) kind: PendingKind,
}

pub(super) type Answer = (Result<Reply, AgentError>, Vec<Entry>);

#[derive(Debug)]
pub(super) enum PendingKind {
    Plain,
    /// Pages of a listing come before the answer.
    Listing {
        entries: Vec<Entry>,
        most: usize,
    },
    /// Output may follow the answer in the same breath, so the reader itself opens the port.
    Attachment(Arc<Port>),
}

/// An attachment to a terminal.
#[derive(Debug)]
pub struct Attached {
    /// Sends input, acknowledgements and sizes; detaches when dropped.
    pub viewer: Viewer,
    /// Output and what else happens, in order.
    pub events: ViewerEvents,
    /// Sequence number of the first byte that comes.
    pub start: u64,
    /// Sequence number of the next byte the program prints, as of now.
    pub end: u64,
    /// What was asked for is no longer (or not yet) there; output begins with the oldest kept.
    pub reset: bool,
    /// The terminal.
    pub terminal: TerminalInfo,
}

impl AgentLink {
    /// Takes over a stream whose [`Hello`] was read and accepted, welcomes the agent and begins to read.
    ///
    /// # Errors
    /// [`LinkError::Closed`] when the agent is gone already.
    pub(super) fn open(
        stream: UnixStream,
        left_over: BytesMut,
        limits: Limits,
    ) -> Result<(Self, LinkEvents), LinkError> {
        let shared = Arc::new(Shared {
            socket: Socket::new(stream).map_err(|_| LinkError::Closed)?,
            outbox: Outbox::new(),
            pending: Mutex::default(),
            viewers: Mutex::default(),
            max_items: limits.max_items as usize,
            requests: Semaphore::new(MAX_REQUESTS),
            uploads: Semaphore::new(MAX_UPLOADS),
            next_request: AtomicU64::new(1),
            next_viewer: AtomicU32::new(1),
            closed: AtomicBool::new(false),
            on_close: Notify::new(),
            eager: Mutex::default(),
            on_typed: Notify::new(),
            wanted: Mutex::default(),
            on_wanted: Notify::new(),
        });
        shared.send(&ToAgent::Welcome(limits))?;
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        Reader::start(Arc::clone(&shared), left_over, sender);
        Ok((Self { shared }, events))
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`LinkError`]; after `Closed` or `Timeout` the request may still have taken effect.
    pub async fn request(&self, request: Request) -> Result<Reply, LinkError> {
        Ok(self.ask(request, PendingKind::Plain).await?.0)
    }

    /// Asks for something that is answered with a bare [`Reply::Done`].
    ///
    /// # Errors
    /// As [`AgentLink::request`].
    pub async fn command(&self, request: Request) -> Result<(), LinkError> {
        match self.request(request).await? {
            Reply::Done => Ok(()),
            _ => Err(LinkError::Nonsense),
        }
    }

    /// The complete listing of the workspace: at most as many entries as its limits allow beside ignored ones, their number and hash verified. A listing that
    /// is short, interrupted or contradicts its end marker is an error, never a smaller workspace. Beside it the ignore files that are not
    /// obeyed.
    ///
    /// # Errors
    /// As [`AgentLink::request`].
    pub async fn scan(&self) -> Result<(Vec<Entry>, Vec<Disobeyed>), LinkError> {
        let most = self.shared.max_items.saturating_add(MAX_IGNORED_ENTRIES);
        let kind = PendingKind::Listing { entries: Vec::new(), most };
        let (Reply::Scanned { count, hash, disobeyed }, entries) = self.ask(Request::Scan, kind).await? else {
            return Err(LinkError::Nonsense);
        };
        let sound = entries.len() as u64 == count && listing_hash(&entries) == Some(hash);
        let few =
            disobeyed.len() <= MAX_DISOBEYED && disobeyed.iter().all(|one| one.path.len() <= MAX_LISTED_PATH_BYTES);
        if sound && few { Ok((entries, disobeyed)) } else { Err(LinkError::Nonsense) }
    }

    /// Which of these items, each with whether it was a folder, the agent is certain to be gone.
    ///
    /// # Errors
    /// As [`AgentLink::request`].
    pub async fn are_gone(&self, items: &[(WorkspacePath, bool)]) -> Result<Vec<bool>, LinkError> {
        let mut gone = Vec::with_capacity(items.len());
        for few in items.chunks(MAX_GONE_ASKED) {
            match self.request(Request::AreGone { items: few.to_vec() }).await? {
                Reply::Gone(answers) if answers.len() == few.len() => gone.extend(answers),
                _ => return Err(LinkError::Nonsense),
            }
        }
        Ok(gone)
    }

    /// Waits until one more upload may be open, for as long as the permit lives: whoever has none is refused by the agent.
    ///
    /// # Errors
    /// [`LinkError::Closed`].
    pub async fn upload_turn(&self) -> Result<SemaphorePermit<'_>, LinkError> {
        self.shared.uploads.acquire().await.map_err(|_| LinkError::Closed)
    }

    /// Attaches a new viewer to a terminal, unless the link has `most` already. Output begins at the returned `start`.
    ///
    /// # Errors
    /// As [`AgentLink::request`], and [`LinkError::TooManyViewers`].
    pub async fn attach(
        &self,
        terminal: TerminalId,
        since: Option<u64>,
        window: u32,
        most: usize,
    ) -> Result<Attached, LinkError> {
        let id = self.shared.next_viewer.fetch_add(1, Ordering::Relaxed);
        let port = Arc::new(Port::new(window));
        {
            let mut viewers = lock(&self.shared.viewers);
            if viewers.len() >= most.min(MAX_VIEWERS) {
                return Err(LinkError::TooManyViewers);
            }
            viewers.insert(id, Arc::clone(&port));
        }
        // From here on dropping the viewer, also by a dropped future, forgets the port and detaches.
        let (viewer, events) = Viewer::new(id, Arc::clone(&self.shared), Arc::clone(&port));
        let request = Request::Attach { terminal: terminal.0, viewer: id, since, window };
        match self.ask(request, PendingKind::Attachment(port)).await?.0 {
            Reply::Attached { start, end, reset, terminal } if start <= end => {
                Ok(Attached { viewer, events, start, end, reset, terminal })
            }
            _ => Err(LinkError::Nonsense),
        }
    }

    /// The batch is committed; the agent may send the next.
    pub fn changes_taken(&self, batch: u64) {
        self.shared.send(&ToAgent::ChangesTaken { batch }).ok();
    }

    /// Viewers attached now.
    #[must_use]
    pub fn viewers(&self) -> usize {
        lock(&self.shared.viewers).len()
    }

    /// What the sandbox takes at the moment; unchecked.
    ///
    /// # Errors
    /// As [`AgentLink::request`].
    pub async fn usage(&self) -> Result<Usage, LinkError> {
        match self.request(Request::Usage).await? {
            Reply::Usage(usage) => Ok(usage),
            _ => Err(LinkError::Nonsense),
        }
    }

    /// Whether the link has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Ends the link; the agent dials again if it lives.
    pub fn close(&self) {
        self.shared.close();
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    async fn ask(&self, request: Request, kind: PendingKind) -> Result<(Reply, Vec<Entry>), LinkError> {
        let shared = &self.shared;
        let _slot = shared.requests.acquire().await.map_err(|_| LinkError::Closed)?;
        let id = shared.next_request.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&shared.pending).insert(id, Pending { answer, kind });
        let _forget = Forget { shared, id };
        // After the insertion: a close that came before it has emptied the table without us.
        if self.is_closed() {
            return Err(LinkError::Closed);
        }
        shared.send(&ToAgent::Request { id, request })?;
        match tokio::time::timeout(REQUEST_TIMEOUT, answered).await {
            Ok(Ok((result, entries))) => Ok((result?, entries)),
            Ok(Err(_)) => Err(LinkError::Closed),
            Err(_) => Err(LinkError::Timeout),
        }
    }
}

/// Takes a question off the table when nobody waits for it any more.
struct Forget<'a> {
    shared: &'a Shared,
    id: RequestId,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(&self.shared.pending).remove(&self.id);
    }
}

impl Shared {
    /// Sends a frame, or ends the link if that cannot be done.
    pub(super) fn send(&self, frame: &ToAgent) -> Result<(), LinkError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(LinkError::Closed);
        }
        self.outbox.send(&self.socket, frame).map_err(|_stuck| {
            self.close();
            LinkError::Closed
        })
    }

    pub(super) fn forget_viewer(&self, viewer: ViewerId) {
        if lock(&self.viewers).remove(&viewer).is_some() {
            // When the link is gone the agent has forgotten the viewer by itself.
            self.send(&ToAgent::Detach { viewer }).ok();
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.on_close.notify_one();
    }

    /// A key has been sent.
    pub(super) fn typed(&self) {
        lock(&self.eager).typed(Instant::now());
        self.on_typed.notify_one();
    }

    /// Something has come.
    pub(super) fn echoed(&self) {
        lock(&self.eager).echoed();
    }

    /// Whether to look again at once for what comes.
    pub(super) fn looks_again(&self) -> bool {
        lock(&self.eager).looks_again(Instant::now())
    }

    /// Waits for [`Shared::typed`].
    pub(super) async fn on_typed(&self) {
        self.on_typed.notified().await;
    }

    /// Reading shall go on in `runtime`.
    pub(super) fn read_in(&self, runtime: Handle) {
        *lock(&self.wanted) = Some(runtime);
        self.on_wanted.notify_one();
    }

    /// Waits for [`Shared::read_in`] to name another runtime than the present one.
    pub(super) async fn wanted(&self) -> Handle {
        loop {
            self.on_wanted.notified().await;
            if let Some(runtime) = lock(&self.wanted).take().filter(|runtime| runtime.id() != Handle::current().id()) {
                return runtime;
            }
        }
    }

    /// Nothing more will be read: hangs up, and tells everybody who waits.
    pub(super) fn ended(&self) {
        self.closed.store(true, Ordering::Release);
        self.socket.hang_up();
        lock(&self.pending).clear();
        for (_, port) in lock(&self.viewers).drain() {
            port.close();
        }
    }
}

/// The hash an honest agent gives for this listing (see [`Reply::Scanned`]).
fn listing_hash(entries: &[Entry]) -> Option<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    for entry in entries {
        hasher.update(&carrel_protocol::codec::postcard_bytes(entry)?);
    }
    Some(*hasher.finalize().as_bytes())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
