//! What waits in a workspace's line.

use std::time::Instant;

use tokio::sync::oneshot;

use super::{Changed, Connect, MakeFolder, Move, Remove};
use crate::actors::api::{SaveFile, Saved, SessionError};
use crate::model::{Item, WorkspacePath};

/// Where whoever asked waits.
pub(super) type Answer<T> = oneshot::Sender<Result<T, SessionError>>;

/// What the line is made of.
pub(super) enum Job {
    Connect(Connect, Answer<()>),
    Save(SaveFile, Answer<Saved>),
    Remove(Remove, Answer<()>),
    MakeFolder(MakeFolder, Answer<Item>),
    Move(Move, Answer<Item>),
    /// A batch, when it came, and over which of the links.
    Changed(Changed, Instant, u64),
    Flush(Answer<()>),
    Listing,
}

impl Job {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Connect(..) => "bringing sandbox and database together",
            Self::Save(..) => "saving",
            Self::Remove(..) => "removing",
            Self::MakeFolder(..) => "making a folder",
            Self::Move(..) => "moving",
            Self::Changed(..) => "collecting changes",
            Self::Flush(_) => "collecting everything",
            Self::Listing => "comparing",
        }
    }

    /// Whether it is a user's write: of those only so many may wait.
    pub(super) fn is_write(&self) -> bool {
        matches!(self, Self::Save(..) | Self::Remove(..) | Self::MakeFolder(..) | Self::Move(..))
    }

    /// The paths a user's write writes.
    pub(super) fn paths(&self) -> Vec<WorkspacePath> {
        match self {
            Self::Save(save, _) => vec![save.path.clone()],
            Self::Remove(remove, _) => vec![remove.path.clone()],
            Self::MakeFolder(folder, _) => vec![folder.path.clone()],
            Self::Move(change, _) => vec![change.from.clone(), change.to.clone()],
            _ => Vec::new(),
        }
    }

    /// Answers a user's write that cannot be done without the agent; gives back what is none.
    pub(super) fn refuse(self) -> Option<Self> {
        let away = || SessionError::from(crate::link::LinkError::Closed);
        // Whoever asked may have stopped waiting.
        match self {
            Self::Save(_, answer) => answer.send(Err(away())).map_or((), drop),
            Self::Remove(_, answer) => answer.send(Err(away())).map_or((), drop),
            Self::MakeFolder(_, answer) => answer.send(Err(away())).map_or((), drop),
            Self::Move(_, answer) => answer.send(Err(away())).map_or((), drop),
            job => return Some(job),
        }
        None
    }
}
