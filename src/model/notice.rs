//! What a page looking at a session is told, in order.

use super::{Ending, Item, Load, SessionState, WorkspacePath, terminal::Terminal};

/// One thing that happened to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionNotice {
    /// It stands somewhere else now.
    State {
        /// Where.
        state: SessionState,
        /// Why, in words for its user.
        reason: Option<String>,
    },
    /// Starting has come this far.
    Progress(Progress),
    /// These items changed; `None` is gone, with all below it.
    Tree(Vec<(WorkspacePath, Option<Item>)>),
    /// More changed than could be told: fetch the tree again.
    TreeStale,
    /// What of its sandbox is not kept is no longer what it was: ask again.
    Unkept,
    /// These are its terminals now.
    Terminals(Vec<Terminal>),
    /// Another server has it now; nothing more comes from here.
    Elsewhere,
    /// It ends by itself then; `None`: not any more.
    Ending(Option<Ending>),
    /// What its sandbox takes at the moment.
    Load(Load),
    /// Something its user should know.
    Message {
        /// How bad it is.
        level: Level,
        /// In words for its user.
        text: String,
    },
}

/// What everybody who looks at a terminal is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// How bad it is.
    pub level: Level,
    /// In words for its user.
    pub text: String,
}

/// How far a start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Steps done, where they can be counted.
    pub done: Option<u64>,
    /// Steps altogether, where they can be counted.
    pub total: Option<u64>,
}

/// What is done between opening a session and its first prompt, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Waiting for room on this machine.
    Queued,
    /// The sandbox image is being prepared.
    Image,
    /// A container is being made and started.
    Container,
    /// Its agent is expected to call.
    Agent,
    /// The files are being put in place.
    Restore,
    /// Done.
    Ready,
}

impl Stage {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Image => "image",
            Self::Container => "container",
            Self::Agent => "agent",
            Self::Restore => "restore",
            Self::Ready => "ready",
        }
    }

    /// In words for the user.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Queued => "Waiting for a free place",
            Self::Image => "Preparing the sandbox image",
            Self::Container => "Starting a sandbox",
            Self::Agent => "Connecting to the sandbox",
            Self::Restore => "Putting your files in place",
            Self::Ready => "Ready",
        }
    }
}

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Something is not as the user would expect.
    Warning,
    /// Something of theirs is in danger.
    Error,
}

impl Level {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
