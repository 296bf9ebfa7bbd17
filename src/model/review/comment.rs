//! What is said of a round.

use time::OffsetDateTime;

use super::{Lines, Side, ThreadStanding};
use crate::model::{CommentId, ThreadId, UserId, WorkspacePath};

/// What a thread is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of which round.
    pub round: u32,
    /// In which of the two texts.
    pub side: Side,
    /// In which file; all of the round when `None`.
    pub path: Option<WorkspacePath>,
    /// Which of its lines; all of it when `None`.
    pub lines: Option<Lines>,
}

/// A suggested edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What the thread's lines should be, with what ends them.
    pub replacement: String,
    /// When the review's author took it over.
    pub applied_at: Option<OffsetDateTime>,
}

/// One comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// Who says it.
    pub author: UserId,
    /// What, in Markdown.
    pub text: String,
    /// What the thread's lines should be.
    pub suggestion: Option<Suggestion>,
    /// When it was begun.
    pub created_at: OffsetDateTime,
    /// Since when others see it; `None` while it is a draft.
    pub published_at: Option<OffsetDateTime>,
    /// When it was last changed after that.
    pub edited_at: Option<OffsetDateTime>,
}

/// Comments on one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// What it is and where it stands.
    pub standing: ThreadStanding,
    /// What it was written on.
    pub place: Place,
    /// Whether others see it.
    pub published: bool,
    /// The first first.
    pub comments: Vec<Comment>,
}
