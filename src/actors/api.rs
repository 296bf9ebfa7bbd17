//! What is asked of sessions and what comes back: the words between `http` and the actors.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use carrel_protocol::{AgentError, PathError, TerminalSize};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

pub use super::edits::{EditFiles, Edited, GivenUp, Intent};
use super::watch::Watch;
use crate::link::{LinkError, Viewer, ViewerEvents};
use crate::model::terminal::Terminal;
use crate::model::{
    Announcement, ContentHash, Item, Precondition, Progress, Session, SessionNotice, SessionState, UserId,
    WorkspacePath,
};

/// What Linux says on every architecture we run on when no process can be started for want of room.
const EAGAIN: i32 = 11;

/// Why something asked of a session did not happen. Nothing was changed, unless a variant says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// No such session.
    #[error("there is no such session")]
    NotFound,
    /// No such terminal.
    #[error("there is no such terminal")]
    NoTerminal,
    /// A terminal's program or folder is not there, or is none.
    #[error("the sandbox has no such program, or no such folder to start it in")]
    NoProgram,
    /// It is in a state in which this cannot be done.
    #[error("the session is {}", .state.as_str())]
    NotReady {
        /// The state.
        state: SessionState,
    },
    /// It could not be started; the reason is also kept with the session.
    #[error("the session could not be started: {0}")]
    StartFailed(String),
    /// The file has other content than the writer thinks.
    #[error("the file has changed since it was read")]
    PreconditionFailed {
        /// What is there now.
        current: Option<ContentHash>,
    },
    /// Something is already there.
    #[error("there is already something with this name")]
    Exists,
    /// A folder would go that holds what is only in the sandbox: which.
    #[error("this would take along for good what is only in the sandbox: {0}; move that elsewhere first, or delete it")]
    HoldsUnkept(String),
    /// No such file or folder.
    #[error("there is no such file or folder")]
    NoItem,
    /// A folder where a file is needed.
    #[error("this is a folder")]
    IsFolder,
    /// A file where a folder is needed.
    #[error("a part of the path is not a folder")]
    NotFolder,
    /// Over the limit for one file.
    #[error("a file has at most {limit_bytes} bytes")]
    FileTooLarge {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// The workspace would have too many items.
    #[error("the workspace has as many files and folders as it may: delete some of them")]
    TooManyItems,
    /// The workspace would be too large.
    #[error("the workspace is full: delete something or ask for more room")]
    TooManyBytes,
    /// It would end, and its sandbox holds what there was no room for: which.
    #[error("the sandbox holds what could not be saved: {0}; make that smaller or remove it, or give it up")]
    NotSaved(String),
    /// It would end, and what its sandbox holds cannot be looked at, or not be saved, for now: why.
    #[error("what was written in the sandbox last cannot be saved now: {0}")]
    Uncollected(String),
    /// The sandbox's own disk is full.
    #[error("the sandbox's disk is full: delete something there")]
    NoSpace,
    /// The path cannot be used in the sandbox, for example because it leads through a link.
    #[error("the path cannot be used: it leads through a link or out of the workspace")]
    Refused,
    /// What would come of it breaks a rule for paths, as what lies in a moved folder may.
    #[error("{path} would have no legal path: {why}")]
    BadPath {
        /// What.
        path: WorkspacePath,
        /// The rule.
        why: PathError,
    },
    /// A folder was to be moved to below itself.
    #[error("a folder cannot be moved into itself")]
    IntoItself,
    /// The user has as many sessions as they may.
    #[error("you have as many sessions as you may: delete one first")]
    SessionLimit,
    /// The user runs as many rounds as they may.
    #[error("you run as many rounds as you may: close one first")]
    RunLimit,
    /// The session has as many snapshots as it may.
    #[error("the session has as many snapshots as it may: delete one first")]
    SnapshotLimit,
    /// There are as many templates as there may be.
    #[error("there are as many templates as there may be: delete one first")]
    TemplateLimit,
    /// The session has as many terminals as it may.
    #[error("the session has as many terminals as it may: close one first")]
    TerminalLimit,
    /// The session has as many viewers as it may.
    #[error("too many windows show this session: close one first")]
    ViewerLimit,
    /// Another server serves it, and is there.
    #[error("this session runs on {url}")]
    Elsewhere {
        /// Where people reach that server.
        url: String,
    },
    /// Another server has just taken it over; asking again tells which.
    #[error("the session has just moved to another server: try again in a moment")]
    Moved,
    /// The session's actor has fallen over this kind of request again and again; it is kept away for ten minutes.
    #[error("this request has made the session fall over repeatedly and is refused for ten minutes")]
    Quarantined,
    /// A queue is full; try again soon.
    #[error("the session is busy: try again in a moment")]
    Busy,
    /// Something this needs is down; try again. Whether a change took effect is not known.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours, logged where it happened.
    #[error("something went wrong on the server")]
    Internal,
}

impl SessionError {
    /// Whether it says that a queue was full or a limit reached, and nothing was tried.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::Quarantined
                | Self::SessionLimit
                | Self::RunLimit
                | Self::SnapshotLimit
                | Self::TemplateLimit
                | Self::TerminalLimit
                | Self::ViewerLimit
        )
    }
}

impl From<LinkError> for SessionError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Closed => Self::Unavailable("the sandbox is not connected: try again in a moment".into()),
            LinkError::Timeout => Self::Unavailable("the sandbox does not answer".into()),
            LinkError::Nonsense => Self::Unavailable("the sandbox answered nonsense".into()),
            LinkError::TooManyViewers => Self::ViewerLimit,
            LinkError::Agent(error) => match error {
                AgentError::NotFound => Self::NoItem,
                AgentError::Exists => Self::Exists,
                AgentError::WrongKind => Self::NotFolder,
                AgentError::Refused => Self::Refused,
                AgentError::NoSpace => Self::NoSpace,
                // Whoever asks for what has a limit of its own says which.
                AgentError::TooMany | AgentError::Torn => Self::Busy,
                AgentError::Os(EAGAIN) => {
                    Self::Unavailable("the sandbox runs as many programs as it may: end some of them".into())
                }
                AgentError::BadRequest(_) | AgentError::Os(_) => {
                    Self::Unavailable(format!("the sandbox refused: {error}"))
                }
            },
        }
    }
}

/// A file to be saved.
#[derive(Clone, Debug)]
pub struct SaveFile {
    /// Where; missing folders are made.
    pub path: WorkspacePath,
    /// All of it.
    pub content: Bytes,
    /// What must be there now.
    pub precondition: Precondition,
    /// Whether it may be run; `None` leaves that as it is.
    pub executable: Option<bool>,
    /// Who saves.
    pub user: UserId,
}

/// A save that is committed and, in a live session, in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The file now.
    pub item: Item,
    /// Whether it is new.
    pub created: bool,
    /// Where a content the writer did not know of was kept, if a program had just written one.
    pub conflict_copy: Option<WorkspacePath>,
}

/// A terminal to be opened.
#[derive(Clone, Debug)]
pub struct NewTerminal {
    /// A name for people; one is made up when there is none.
    pub name: Option<String>,
    /// Its first size.
    pub size: TerminalSize,
    /// Where to start; the workspace itself when there is none.
    pub cwd: Option<WorkspacePath>,
    /// Program and arguments; the login shell when empty.
    pub command: Vec<String>,
}

/// A viewer attached to a terminal.
#[derive(Debug)]
pub struct Attachment {
    /// Sends input, acknowledgements and sizes; detaches when dropped.
    pub viewer: Viewer,
    /// Output and what else happens, in order; ends when the sandbox is no longer connected.
    pub events: ViewerEvents,
    /// Sequence number of the first byte that comes.
    pub start: u64,
    /// Sequence number of the next byte the program prints, as of now.
    pub end: u64,
    /// What was asked for is no longer (or not yet) there: clear the screen, output begins with the oldest kept.
    pub reset: bool,
    /// Bytes that are sent beyond what is acknowledged.
    pub window: u32,
    /// The terminal.
    pub terminal: Terminal,
    /// What everybody who looks at a terminal of this session is told from now on.
    pub announcements: Announcements,
}

/// A stream of announcements; a viewer that is too slow misses some.
#[derive(Debug)]
pub struct Announcements(BroadcastStream<Announcement>);

impl Announcements {
    pub(super) fn new(receiver: broadcast::Receiver<Announcement>) -> Self {
        Self(BroadcastStream::new(receiver))
    }
}

impl Stream for Announcements {
    type Item = Announcement;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Announcement>> {
        loop {
            match std::task::ready!(self.0.poll_next_unpin(cx)) {
                Some(Err(_)) => {}
                announcement => return Poll::Ready(announcement.and_then(Result::ok)),
            }
        }
    }
}

/// A page looking at a session.
#[derive(Debug)]
pub struct Subscription {
    /// The session as of now.
    pub session: Session,
    /// Its terminals as of now.
    pub terminals: Vec<Terminal>,
    /// How far its start is, while it is starting.
    pub progress: Option<Progress>,
    /// What happens from now on; ends when its actor does, then subscribe again.
    pub notices: Notices,
}

/// A stream of notices. A page that is too slow for some of them learns that, and has to look afresh: what it has missed comes only once.
#[derive(Debug)]
pub struct Notices(BroadcastStream<SessionNotice>);

impl Notices {
    pub(super) fn new(receiver: broadcast::Receiver<SessionNotice>) -> Self {
        Self(BroadcastStream::new(receiver))
    }
}

/// Some notices went by unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed;

impl Stream for Notices {
    type Item = Result<SessionNotice, Missed>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx).map(|notice| notice.map(|notice| notice.map_err(|_| Missed)))
    }
}

/// What an actor says of itself, for tests and the operator's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ActorDescription {
    /// Its kind: `SessionActor`.
    pub kind: &'static str,
    /// Which of its kind: an id or a number.
    pub name: String,
    /// What it is doing.
    pub phase: String,
    /// Which replacement it is; 1 is the first.
    pub generation: u64,
    /// Messages handled.
    pub handled: u64,
    /// Requests refused because a queue was full or a limit reached.
    pub refused: u64,
    /// Work waiting inside it.
    pub queued: usize,
    /// Failures of its children that it has answered (supervisors only).
    pub failures: u64,
    /// Whether it answered one of the last two times it was asked what it does.
    pub healthy: bool,
    /// Requests refused, by kind of message.
    pub refused_by: BTreeMap<String, u64>,
    /// Requests in its mailbox.
    pub mailbox: usize,
    /// Microseconds within which 19 of 20 of the last requests were taken out of its mailbox.
    pub wait_us_p95: u64,
}

impl Default for ActorDescription {
    fn default() -> Self {
        Self::new("", String::new(), String::new())
    }
}

impl ActorDescription {
    /// Of a healthy actor that counts nothing.
    #[must_use]
    pub fn new(kind: &'static str, name: String, phase: String) -> Self {
        Self {
            kind,
            name,
            phase,
            generation: 1,
            handled: 0,
            refused: 0,
            queued: 0,
            failures: 0,
            healthy: true,
            refused_by: BTreeMap::new(),
            mailbox: 0,
            wait_us_p95: 0,
        }
    }

    /// With what is known of its requests.
    #[must_use]
    pub fn watched(self, watch: &Watch) -> Self {
        let (refused_by, mailbox, wait_us_p95) = (watch.refused_by(), watch.waiting(), watch.wait_us_p95());
        Self { refused_by, mailbox, wait_us_p95, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_was_too_slow_for_a_notice_learns_that() {
        let sender = broadcast::Sender::new(2);
        let mut notices = Notices::new(sender.subscribe());
        let state = |state| SessionNotice::State { state, reason: None };
        for next in [SessionState::Ready, SessionState::Stopping, SessionState::Cold] {
            sender.send(state(next)).expect("somebody listens");
        }
        assert_eq!(notices.next().await, Some(Err(Missed)));
        assert_eq!(notices.next().await, Some(Ok(state(SessionState::Stopping))));
    }
}
