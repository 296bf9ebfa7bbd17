//! What reads a link: one task, on the thread where its latest viewer lives.
//!
//! ```text
//!   reading at home (the runtime that accepted the agent) ──▶ reading on a viewer's thread ──▶ … ──▶ ended: everybody who waits is told
//!                              ▲                                          │ that thread ends
//!                              └──────────────────────────────────────────┘
//! ```
//!
//! An echo read by another thread than the one that writes it to the browser would wake two threads one after the other, and waking a thread
//! is most of what an echo costs.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use carrel_protocol::path::{MAX_NAME_BYTES, MAX_PATH_BYTES};
use carrel_protocol::{AgentError, Entry, EntryKind, FrameCodec, MAX_PAGE_ENTRIES, Reply, ToServer, ViewerEvent};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::connection::{LinkEvent, Pending, PendingKind, Shared, lock};
use crate::model::TerminalId;
use crate::model::session::is_control;

/// Room in the receive buffer while little comes; what an idle link keeps.
const IDLE_BUFFER_BYTES: usize = 4 * 1024;

/// Room while much comes: several frames of output at once.
const BUSY_BUFFER_BYTES: usize = 64 * 1024;

/// Longest path in a listing: a name of whatever length in a folder that is kept.
pub(super) const MAX_LISTED_PATH_BYTES: usize = MAX_PATH_BYTES + 1 + MAX_NAME_BYTES;

/// Characters of an agent's own words that are kept.
const MAX_WORDS: usize = 200;

/// Reads one link. Dropped on a viewer's thread, it goes home and reads on; the HTTP server ends before the sessions do.
pub(super) struct Reader(Option<State>);

struct State {
    shared: Arc<Shared>,
    buffer: BytesMut,
    events: mpsc::Sender<LinkEvent>,
    home: Handle,
    away: bool,
}

/// What comes after reading in one place.
enum Next {
    Move(Handle),
    End(Ended),
}

/// Why a link ended; logged once, in [`State::end`].
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the agent hung up")]
    HungUp,
    #[error("closed by the server")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the agent broke the protocol: {0}")]
    Protocol(#[from] carrel_protocol::CodecError),
    #[error("the agent broke the protocol: {0}")]
    Viewer(#[from] super::inbox::Violation),
    #[error("the agent broke the protocol: {0}")]
    Bound(&'static str),
}

impl Reader {
    /// Begins to read, in the present runtime.
    pub(super) fn start(shared: Arc<Shared>, left_over: BytesMut, events: mpsc::Sender<LinkEvent>) {
        let home = Handle::current();
        Self(Some(State { shared, buffer: left_over, events, home: home.clone(), away: false })).run_on(&home);
    }

    fn run_on(self, runtime: &Handle) {
        runtime.spawn(self.run());
    }

    async fn run(mut self) {
        let Some(state) = &mut self.0 else { return };
        let next = state.serve().await;
        let Some(mut state) = self.0.take() else { return };
        match next {
            Next::Move(runtime) => {
                state.away = runtime.id() != state.home.id();
                Self(Some(state)).run_on(&runtime);
            }
            Next::End(ended) => state.end(&ended),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(mut state) = self.0.take().filter(|state| state.away) {
            state.away = false;
            let home = state.home.clone();
            Self(Some(state)).run_on(&home);
        }
    }
}

impl State {
    async fn serve(&mut self) -> Next {
        let Self { shared, buffer, events, .. } = self;
        let mut incoming = match shared.socket.incoming() {
            Ok(incoming) => incoming,
            Err(error) => return Next::End(error.into()),
        };
        tokio::select! {
            ended = read(shared, &mut incoming, buffer, events) => Next::End(ended),
            error = shared.outbox.flush_for_ever(&shared.socket) => Next::End(error.into()),
            () = shared.on_close.notified() => Next::End(Ended::Closed),
            runtime = shared.wanted() => Next::Move(runtime),
        }
    }

    /// Tells everybody who waits.
    fn end(self, ended: &Ended) {
        match ended {
            Ended::HungUp | Ended::Closed => tracing::debug!(link.ended = %ended),
            _ => tracing::warn!(link.ended = %ended, "a sandbox's link was cut"),
        }
        self.shared.ended();
    }
}

async fn read(
    shared: &Shared,
    incoming: &mut pipe::Receiver,
    buffer: &mut BytesMut,
    events: &mpsc::Sender<LinkEvent>,
) -> Ended {
    let codec = FrameCodec::<ToServer>::default();
    let mut room = IDLE_BUFFER_BYTES;
    loop {
        loop {
            match codec.decode(buffer) {
                Ok(Some(frame)) => {
                    if let Err(ended) = take(shared, frame, events) {
                        return ended;
                    }
                }
                Ok(None) => break,
                Err(error) => return error.into(),
            }
        }
        if buffer.is_empty() && room == IDLE_BUFFER_BYTES && buffer.capacity() > 2 * IDLE_BUFFER_BYTES {
            *buffer = BytesMut::new();
        }
        buffer.reserve(room);
        match receive(shared, incoming, buffer).await {
            Ok(0) => return Ended::HungUp,
            Ok(count) => room = if count < IDLE_BUFFER_BYTES { IDLE_BUFFER_BYTES } else { BUSY_BUFFER_BYTES },
            Err(error) => return error.into(),
        }
    }
}

/// Waits for bytes: asleep, or after a key with its eyes open. Either way the thread's other tasks have their turns.
async fn receive(shared: &Shared, incoming: &mut pipe::Receiver, buffer: &mut BytesMut) -> io::Result<usize> {
    let received = loop {
        if shared.looks_again() {
            match incoming.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::yield_now();
                    tokio::task::yield_now().await;
                }
                received => break received,
            }
        } else {
            tokio::select! {
                biased;
                received = incoming.read_buf(buffer) => break received,
                () = shared.on_typed() => {}
            }
        }
    };
    shared.echoed();
    received
}

fn take(shared: &Shared, frame: ToServer, events: &mpsc::Sender<LinkEvent>) -> Result<(), Ended> {
    match frame {
        ToServer::Viewer { viewer, event } => {
            let port = lock(&shared.viewers).get(&viewer).cloned();
            // Events of a viewer that has just left are still under way: nobody's loss.
            if let Some(port) = port {
                let last = matches!(event, ViewerEvent::Detached(_));
                port.push(event)?;
                if last {
                    lock(&shared.viewers).remove(&viewer);
                    port.close();
                }
            }
            Ok(())
        }
        ToServer::Reply { id, result } => {
            if let Some(Pending { answer, kind }) = lock(&shared.pending).remove(&id) {
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
                answer.send((result.map_err(in_few_words), entries)).ok();
            }
            Ok(())
        }
        ToServer::ScanPage { id, entries: page } => {
            if let Some(Pending { kind: PendingKind::Listing { entries, most }, .. }) =
                lock(&shared.pending).get_mut(&id)
            {
                let few = page.len() <= MAX_PAGE_ENTRIES && entries.len() + page.len() <= *most;
                if !few || !page.iter().all(is_short) {
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

/// Whether an entry is no longer than an honest agent's: a listing is held in memory as a whole.
fn is_short(entry: &Entry) -> bool {
    let target = match &entry.kind {
        EntryKind::Symlink { target } => target.len(),
        _ => 0,
    };
    entry.path.len() <= MAX_LISTED_PATH_BYTES && target <= MAX_PATH_BYTES
}

/// What an agent says in its own words is shown to people, kept as a reason and logged: it is cut, and steers no display.
fn in_few_words(error: AgentError) -> AgentError {
    match error {
        AgentError::BadRequest(text) => {
            AgentError::BadRequest(text.chars().filter(|c| !is_control(*c)).take(MAX_WORDS).collect())
        }
        error => error,
    }
}

/// Hands an event to the session; one that does not keep up with so few has stopped reading, and a full queue is the agent's flood.
fn report(events: &mpsc::Sender<LinkEvent>, event: LinkEvent) -> Result<(), Ended> {
    events.try_send(event).map_err(|_| Ended::Bound("more events than the session takes"))
}

#[cfg(test)]
mod tests {
    use carrel_protocol::{
        Disobeyed, Limits, MAX_DISOBEYED, Request, RequestId, ToAgent, Unusable, WorkspacePath, codec,
    };
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;
    use tokio::runtime::{Builder, Runtime};

    use super::super::{AgentLink, LinkError};
    use super::*;

    /// Answers every request with this.
    async fn agent(mut stream: UnixStream, answer: impl Fn(RequestId) -> ToServer) {
        let (codec, mut buffer) = (FrameCodec::<ToAgent>::default(), BytesMut::new());
        while stream.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
            while let Some(frame) = codec.decode(&mut buffer).expect("a frame") {
                if let ToAgent::Request { id, .. } = frame {
                    let mut bytes = BytesMut::new();
                    codec::encode(&answer(id), &mut bytes).expect("small");
                    stream.write_all(&bytes).await.expect("the server reads");
                }
            }
        }
    }

    fn link_to(
        answer: impl Fn(RequestId) -> ToServer + Send + Sync + 'static,
    ) -> (AgentLink, mpsc::Receiver<LinkEvent>) {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        tokio::spawn(agent(theirs, answer));
        let limits = Limits { ring_bytes: 1, max_items: 1, max_file_bytes: 1, viewer_stall_ms: 1, ignore: Vec::new() };
        AgentLink::open(ours, BytesMut::new(), limits).expect("an open link")
    }

    #[tokio::test]
    async fn a_listing_with_an_entry_longer_than_an_honest_agents_ends_the_link() {
        let entry = |path: usize, target: usize| Entry {
            path: "p".repeat(path),
            kind: EntryKind::Symlink { target: "t".repeat(target) },
        };
        let (path, target) = (MAX_LISTED_PATH_BYTES, MAX_PATH_BYTES);
        assert!(is_short(&entry(path, target)));
        for long in [entry(path + 1, 1), entry(1, target + 1)] {
            let (link, mut events) = link_to(move |id| ToServer::ScanPage { id, entries: vec![long.clone()] });
            assert_eq!(link.scan().await, Err(LinkError::Closed));
            assert_eq!(events.recv().await, None);
        }
    }

    #[tokio::test]
    async fn an_agent_that_answers_for_more_or_less_than_was_asked_is_not_believed() {
        let item = (WorkspacePath::new("a").expect("legal"), false);
        for answers in [vec![], vec![true, true]] {
            let reply = Reply::Gone(answers);
            let (link, _events) = link_to(move |id| ToServer::Reply { id, result: Ok(reply.clone()) });
            assert_eq!(link.are_gone(std::slice::from_ref(&item)).await, Err(LinkError::Nonsense));
        }
        // An end marker that names more ignore files than there may be, or longer ones, ends no listing.
        let disobeyed = |path: usize| Disobeyed { path: "p".repeat(path), why: Unusable::TooSlow };
        for disobeyed in [vec![disobeyed(1); MAX_DISOBEYED + 1], vec![disobeyed(MAX_LISTED_PATH_BYTES + 1)]] {
            let hash = *blake3::hash(b"").as_bytes();
            let reply = Reply::Scanned { count: 0, hash, disobeyed };
            let (link, _events) = link_to(move |id| ToServer::Reply { id, result: Ok(reply.clone()) });
            assert_eq!(link.scan().await, Err(LinkError::Nonsense));
        }
    }

    #[tokio::test]
    async fn an_agents_own_words_are_cut_and_steer_no_display() {
        let words = format!("\u{1b}[2J\u{202e}{}", "x".repeat(100_000));
        let (link, _events) =
            link_to(move |id| ToServer::Reply { id, result: Err(AgentError::BadRequest(words.clone())) });
        let said = AgentError::BadRequest(format!("[2J{}", "x".repeat(MAX_WORDS - 3)));
        assert_eq!(link.command(Request::Ping).await, Err(LinkError::Agent(said)));
    }

    fn runtime(threads: usize) -> Runtime {
        Builder::new_multi_thread().worker_threads(threads).enable_all().build().expect("a runtime")
    }

    #[test]
    fn a_link_is_read_where_its_viewer_lives_and_outlives_that_thread() {
        let home = runtime(1);
        let (link, mut events) = home.block_on(async { link_to(|id| ToServer::Reply { id, result: Ok(Reply::Done) }) });
        for _ in 0..20 {
            let away = runtime(1);
            link.shared().read_in(away.handle().clone());
            assert_eq!(away.block_on(link.command(Request::Ping)), Ok(()));
            // Ends wherever the reader is by now: on its way, there, or reading.
            drop(away);
            assert_eq!(home.block_on(link.command(Request::Ping)), Ok(()));
        }
        link.close();
        assert_eq!(home.block_on(events.recv()), None, "the link's end is told");
    }
}
