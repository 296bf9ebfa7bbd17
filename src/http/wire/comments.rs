//! What is said of a review, as JSON.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::reviews::Person;
use crate::model::review::{self, Side, ThreadAction, ThreadKind, ThreadState};
use crate::model::{UserId, UserName};

/// Consecutive lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// The first of them, from 1 on.
    pub start: u32,
    /// The last of them.
    pub end: u32,
}

impl From<review::Lines> for Lines {
    fn from(review::Lines { start, end }: review::Lines) -> Self {
        Self { start, end }
    }
}

/// Where a thread was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct Written {
    /// On which round.
    pub round: u32,
    /// In the round's own text, or in the one it was compared with.
    pub side: Side,
    /// On which lines; on all of the file, or of the round, when absent.
    pub lines: Option<Lines>,
}

/// Where a thread is in the round that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct At {
    /// Which round.
    pub round: u32,
    /// Where its file is; absent when it is on all of the round, or the file is gone.
    pub path: Option<String>,
    /// Where its lines are; absent when it is on none, or they have changed.
    pub lines: Option<Lines>,
    /// What it was written on has changed or is gone.
    pub outdated: bool,
}

/// A suggested edit.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suggestion {
    /// What the thread's lines should be, with what ends them.
    pub replacement: String,
    /// When the review's author took it over.
    #[serde(with = "time::serde::rfc3339::option")]
    pub applied_at: Option<OffsetDateTime>,
}

/// One comment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comment {
    /// Its id.
    pub id: Uuid,
    /// Who says it.
    pub author: Person,
    /// What, in Markdown.
    pub text: String,
    /// Only you see it so far.
    pub draft: bool,
    /// What the thread's lines should be.
    pub suggestion: Option<Suggestion>,
    /// When it was begun.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Since when others see it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub published_at: Option<OffsetDateTime>,
    /// When it was changed after that.
    #[serde(with = "time::serde::rfc3339::option")]
    pub edited_at: Option<OffsetDateTime>,
}

/// Comments on one thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Thread {
    /// Its id.
    pub id: Uuid,
    /// What it is about.
    pub kind: ThreadKind,
    /// Where it stands.
    pub state: ThreadState,
    /// Whether the review cannot be approved before it is verified.
    pub blocking: bool,
    /// Only you see it so far.
    pub draft: bool,
    /// On which file it was written; absent when on all of the round.
    pub path: Option<String>,
    /// Where it was written.
    pub written: Written,
    /// Where it is in the round that was asked for.
    pub at: At,
    /// The first first.
    pub comments: Vec<Comment>,
}

impl Thread {
    /// A thread that is there in the round that is shown.
    #[must_use]
    pub fn new(thread: review::Thread, at: At, names: &HashMap<UserId, UserName>) -> Self {
        let review::Thread { id, standing, place, published, comments } = thread;
        let review::Place { round, side, path, lines } = place;
        let comment = |comment: review::Comment| Comment {
            id: comment.id.0,
            author: Person::of(comment.author, names),
            text: comment.text,
            draft: comment.published_at.is_none(),
            suggestion: comment
                .suggestion
                .map(|review::Suggestion { replacement, applied_at }| Suggestion { replacement, applied_at }),
            created_at: comment.created_at,
            published_at: comment.published_at,
            edited_at: comment.edited_at,
        };
        Self {
            id: id.0,
            kind: standing.kind,
            state: standing.state,
            blocking: standing.blocks(),
            draft: !published,
            path: path.map(Into::into),
            written: Written { round, side, lines: lines.map(Into::into) },
            at,
            comments: comments.into_iter().map(comment).collect(),
        }
    }
}

/// What is said of a review.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThreadList {
    /// The oldest first.
    pub items: Vec<Thread>,
    /// Always absent: there is one page.
    pub next: Option<String>,
}

/// A suggested edit of the thread's lines.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuggestion {
    /// What they should be, with what ends them; at most 100,000 characters.
    pub replacement: String,
}

/// Something to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// In which thread; a new one when absent.
    pub thread: Option<Uuid>,
    /// What a new one is about.
    #[serde(default)]
    pub kind: Option<ThreadKind>,
    /// On which round a new one is; the newest when absent.
    pub round: Option<u32>,
    /// On which of its files; on all of it when absent.
    pub path: Option<String>,
    /// In which text; the round's own when absent.
    pub side: Option<Side>,
    /// On which of its lines; on all of it when absent.
    pub lines: Option<Lines>,
    /// In Markdown; 1 to 20,000 characters.
    pub text: String,
    /// What the lines should be.
    pub suggestion: Option<NewSuggestion>,
    /// Only for you, until you publish it or decide the review.
    #[serde(default)]
    pub draft: bool,
}

/// What a comment is to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditComment {
    /// In Markdown; 1 to 20,000 characters.
    pub text: String,
    /// What the lines should be; no suggestion any more when absent.
    pub suggestion: Option<NewSuggestion>,
}

/// What a comment has said before.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormerComment {
    /// In Markdown.
    pub text: String,
    /// What the lines should have been.
    pub replacement: Option<String>,
    /// When that was written.
    #[serde(with = "time::serde::rfc3339")]
    pub written_at: OffsetDateTime,
}

/// What a comment has said before it was edited.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormerCommentList {
    /// The first first.
    pub items: Vec<FormerComment>,
    /// Always absent: there is one page.
    pub next: Option<String>,
}

/// Something to be done to a thread.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleThread {
    /// What.
    pub action: ThreadAction,
}

/// What was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct Published {
    /// How many comments.
    pub published: u64,
}

/// Suggested edits to be taken over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplySuggestions {
    /// The comments they are in; at most 100.
    pub comments: Vec<Uuid>,
}

/// What was taken over.
#[derive(Debug, Serialize, ToSchema)]
pub struct Applied {
    /// Files that have changed in the session.
    pub paths: Vec<String>,
}
