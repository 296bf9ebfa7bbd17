//! Code review: what is asked for, who may do it, and where it stands.

mod carry;
mod comment;
mod difference;
mod machine;
mod reviewer;
mod state;
mod thread;
mod turn;
mod visibility;

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use carry::{Carrier, Lines, MAX_COMPARED_BYTES, lines, replaced};
pub use comment::{Comment, Place, Suggestion, Thread};
pub use difference::{Difference, Manifest, Status, differences, mark};
pub use machine::{Actor, Availability, Checks, Event, ReviewError, Standing, apply};
pub use reviewer::{LevelRequest, MAX_CAPACITY, Reviewer, ReviewerLevel, Topics, TopicsError};
pub use state::{Action, ReviewState, Verdict};
pub use thread::{Side, ThreadAction, ThreadKind, ThreadStanding, ThreadState, may_discuss};
pub use turn::Turn;
pub use visibility::may_see;

use super::{ReviewId, SessionId, SnapshotId, UserId};

/// How much a review is wanted; persisted under these names, and in this order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Whenever somebody has time.
    Low,
    /// As usual.
    #[default]
    Medium,
    /// Before others.
    High,
    /// Now.
    Urgent,
}

impl Priority {
    /// Every priority, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Urgent];

    /// The level whose verdict it needs.
    #[must_use]
    pub fn needs(self) -> ReviewerLevel {
        match self {
            Self::Low | Self::Medium => ReviewerLevel::Junior,
            Self::High | Self::Urgent => ReviewerLevel::Senior,
        }
    }

    /// Its persisted rank, from 0 on.
    #[must_use]
    pub fn rank(self) -> i16 {
        self as i16
    }

    /// The priority of this rank.
    #[must_use]
    pub fn from_rank(rank: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }
}

/// SHA-256 of a round's manifest: every path with its kind, content and flags, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestHash(pub [u8; 32]);

impl fmt::Display for ManifestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One submitted snapshot; never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The first is 1.
    pub number: u32,
    /// What was submitted.
    pub snapshot: SnapshotId,
    /// Of its manifest: two rounds with one hash hold the same.
    pub hash: ManifestHash,
    /// Files, folders and links in it.
    pub items: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// What its author says has changed.
    pub note: String,
    /// When it was submitted.
    pub submitted_at: OffsetDateTime,
}

/// A step of a review that was taken; never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place in the review's trail, from 1 on.
    pub number: u32,
    /// What was done.
    pub action: Action,
    /// Who did it; `None` where time has.
    pub by: Option<UserId>,
    /// Where the review stood.
    pub from: ReviewState,
    /// Where it stood then.
    pub to: ReviewState,
    /// Who holds it then.
    pub holder: Option<UserId>,
    /// Its newest round then; 0 before the first.
    pub round: u32,
    /// In the words of who did it.
    pub why: String,
    /// When.
    pub at: OffsetDateTime,
}

/// One request, with all its rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// Whose files it submits; `None` when that session is gone for good.
    pub session: Option<SessionId>,
    /// What it is called.
    pub title: String,
    /// What is to be looked at, in Markdown.
    pub description: String,
    /// What it is about.
    pub topics: Topics,
    /// Where it stands.
    pub standing: Standing,
    /// Raised with every change: what was decided on one version is written on top of that one.
    pub version: i64,
    /// When its author wants a verdict.
    pub due_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When something last happened to it.
    pub updated_at: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_priorities_need_a_senior_and_ranks_name_priorities() {
        use ReviewerLevel::{Junior, Senior};
        let needed = [Junior, Junior, Senior, Senior];
        for (priority, needed) in Priority::ALL.into_iter().zip(needed) {
            assert_eq!(priority.needs(), needed, "{priority:?}");
            assert_eq!(Priority::from_rank(priority.rank()), Some(priority));
        }
        assert_eq!((Priority::from_rank(-1), Priority::from_rank(4)), (None, None));
        assert!(Priority::Urgent > Priority::Low);
    }
}
