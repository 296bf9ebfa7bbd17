//! One connection of an agent: requests, viewers, events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use carrel_protocol::{
    AgentError, Entry, ExitState, FrameCodec, Limits, MAX_PAGE_ENTRIES, MAX_VIEWERS, Reply, Request, RequestId,
    TerminalInfo, ToAgent, ToServer, ViewerEvent, ViewerId,
};
use tokio::net::UnixStream;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use super::outbox::Outbox;
use super::viewer::{Port, Viewer, ViewerEvents};
use crate::model::TerminalId;

/// Requests in flight on one link; more wait. Each may carry a chunk, so this bounds the bytes under way as well.
const MAX_REQUESTS: usize = 64;

/// How long an agent may take to answer. Most answers take microseconds; a listing of the largest workspace, with every file hashed, takes
/// seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Events that may wait for the session. One batch of changes is in flight at a time and terminals are few, so more is a lie.
const EVENT_QUEUE: usize = 128;

/// First size of the receive buffer, and the most that is kept of it when it is empty.
const RECEIVE_BUFFER_BYTES: usize = 16 * 1024;

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
    stream: UnixStream,
    outbox: Outbox,
    pending: Mutex<HashMap<RequestId, Pending>>,
    viewers: Mutex<HashMap<ViewerId, Arc<Port>>>,
    requests: Semaphore,
    next_request: AtomicU64,
    next_viewer: AtomicU32,
    closed: AtomicBool,
    on_close: Notify,
}

/// A question that waits for its answer.
#[derive(Debug)]
struct Pending {
    answer: oneshot::Sender<Answer>,
    kind: PendingKind,
}

type Answer = (Result<Reply, AgentError>, Vec<Entry>);

#[derive(Debug)]
enum PendingKind {
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
            stream,
            outbox: Outbox::new(),
            pending: Mutex::default(),
            viewers: Mutex::default(),
            requests: Semaphore::new(MAX_REQUESTS),
            next_request: AtomicU64::new(1),
            next_viewer: AtomicU32::new(1),
            closed: AtomicBool::new(false),
            on_close: Notify::new(),
        });
        shared.send(&ToAgent::Welcome(limits))?;
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        tokio::spawn(Arc::clone(&shared).run(left_over, sender));
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

    /// The complete listing of the workspace: at most `max_items` entries, their number and hash verified. A listing that is short,
    /// interrupted or contradicts its end marker is an error, never a smaller workspace.
    ///
    /// # Errors
    /// As [`AgentLink::request`].
    pub async fn scan(&self, max_items: usize) -> Result<Vec<Entry>, LinkError> {
        let kind = PendingKind::Listing { entries: Vec::new(), most: max_items };
        let (Reply::Scanned { count, hash }, entries) = self.ask(Request::Scan, kind).await? else {
            return Err(LinkError::Nonsense);
        };
        let sound = entries.len() as u64 == count && listing_hash(&entries) == Some(hash);
        if sound { Ok(entries) } else { Err(LinkError::Nonsense) }
    }

    /// Attaches a new viewer to a terminal. Output begins at the returned `start`.
    ///
    /// # Errors
    /// As [`AgentLink::request`], and [`LinkError::TooManyViewers`].
    pub async fn attach(&self, terminal: TerminalId, since: Option<u64>, window: u32) -> Result<Attached, LinkError> {
        let id = self.shared.next_viewer.fetch_add(1, Ordering::Relaxed);
        let port = Arc::new(Port::new(window));
        {
            let mut viewers = lock(&self.shared.viewers);
            if viewers.len() >= MAX_VIEWERS {
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

    /// Whether the link has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Ends the link; the agent dials again if it lives.
    pub fn close(&self) {
        self.shared.close();
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

/// Why a link ended; logged once, in [`Shared::run`].
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the agent hung up")]
    HungUp,
    #[error("closed by the server")]
    Closed,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the agent broke the protocol: {0}")]
    Protocol(#[from] carrel_protocol::CodecError),
    #[error("the agent broke the protocol: {0}")]
    Viewer(#[from] super::inbox::Violation),
    #[error("the agent broke the protocol: {0}")]
    Bound(&'static str),
}

impl Shared {
    /// Sends a frame, or ends the link if that cannot be done.
    pub(super) fn send(&self, frame: &ToAgent) -> Result<(), LinkError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(LinkError::Closed);
        }
        self.outbox.send(&self.stream, frame).map_err(|_stuck| {
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

    /// Reads until the link ends, then tells everybody who waits.
    async fn run(self: Arc<Self>, left_over: BytesMut, events: mpsc::Sender<LinkEvent>) {
        let ended = tokio::select! {
            ended = self.read(left_over, events) => ended,
            error = self.outbox.flush_for_ever(&self.stream) => error.into(),
            () = self.on_close.notified() => Ended::Closed,
        };
        match ended {
            Ended::HungUp | Ended::Closed => tracing::debug!(link.ended = %ended),
            _ => tracing::warn!(link.ended = %ended, "a sandbox's link was cut"),
        }
        self.closed.store(true, Ordering::Release);
        lock(&self.pending).clear();
        for (_, port) in lock(&self.viewers).drain() {
            port.close();
        }
    }

    async fn read(&self, mut buffer: BytesMut, events: mpsc::Sender<LinkEvent>) -> Ended {
        let codec = FrameCodec::<ToServer>::default();
        loop {
            loop {
                match codec.decode(&mut buffer) {
                    Ok(Some(frame)) => {
                        if let Err(ended) = self.take(frame, &events) {
                            return ended;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return error.into(),
                }
            }
            if buffer.is_empty() && buffer.capacity() > 4 * RECEIVE_BUFFER_BYTES {
                buffer = BytesMut::new();
            }
            buffer.reserve(RECEIVE_BUFFER_BYTES);
            if let Err(error) = self.stream.readable().await {
                return error.into();
            }
            match self.stream.try_read_buf(&mut buffer) {
                Ok(0) => return Ended::HungUp,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return error.into(),
                _ => {}
            }
        }
    }

    fn take(&self, frame: ToServer, events: &mpsc::Sender<LinkEvent>) -> Result<(), Ended> {
        match frame {
            ToServer::Viewer { viewer, event } => {
                let port = lock(&self.viewers).get(&viewer).cloned();
                // Events of a viewer that has just left are still under way: nobody's loss.
                if let Some(port) = port {
                    let last = matches!(event, ViewerEvent::Detached(_));
                    port.push(event)?;
                    if last {
                        lock(&self.viewers).remove(&viewer);
                        port.close();
                    }
                }
                Ok(())
            }
            ToServer::Reply { id, result } => {
                if let Some(Pending { answer, kind }) = lock(&self.pending).remove(&id) {
                    let entries = match kind {
                        PendingKind::Plain => Vec::new(),
                        PendingKind::Listing { entries, .. } => entries,
                        PendingKind::Attachment(port) => {
                            if let Ok(Reply::Attached { start, .. }) = &result {
                                port.open_at(*start);
                            }
                            Vec::new()
                        }
                    };
                    // Whoever asked may have stopped waiting.
                    answer.send((result, entries)).ok();
                }
                Ok(())
            }
            ToServer::ScanPage { id, entries: page } => {
                if let Some(Pending { kind: PendingKind::Listing { entries, most }, .. }) =
                    lock(&self.pending).get_mut(&id)
                {
                    if page.len() > MAX_PAGE_ENTRIES || entries.len() + page.len() > *most {
                        return Err(Ended::Bound("a listing over its bounds"));
                    }
                    entries.extend(page);
                }
                Ok(())
            }
            ToServer::TerminalExited { terminal, exit } => {
                report(events, LinkEvent::TerminalExited { terminal: TerminalId(terminal), exit })
            }
            ToServer::Changed { batch, entries, rescan } => {
                if entries.len() > MAX_PAGE_ENTRIES {
                    return Err(Ended::Bound("a batch of changes over its bounds"));
                }
                report(events, LinkEvent::Changed { batch, entries, rescan })
            }
            ToServer::Hello(_) => Err(Ended::Bound("a second greeting")),
        }
    }
}

/// Hands an event to the session; one that does not keep up with so few has stopped reading, and a full queue is the agent's flood.
fn report(events: &mpsc::Sender<LinkEvent>, event: LinkEvent) -> Result<(), Ended> {
    events.try_send(event).map_err(|_| Ended::Bound("more events than the session takes"))
}

/// The hash an honest agent gives for this listing (see [`Reply::Scanned`]).
fn listing_hash(entries: &[Entry]) -> Option<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    for entry in entries {
        hasher.update(&carrel_protocol::codec::postcard_bytes(entry)?);
    }
    Some(*hasher.finalize().as_bytes())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
