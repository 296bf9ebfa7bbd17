//! Whose turn it is.

use serde::Serialize;

use super::{ReviewState, Standing};
use crate::model::UserId;

/// Who a review waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "who", content = "user")]
pub enum Turn {
    /// Its author: it is not submitted, or changes are requested.
    Author,
    /// The reviewer who holds it.
    Reviewer(UserId),
    /// One of the reviewers its author has named.
    Wanted,
    /// Any reviewer.
    Queue,
    /// Nobody: it is over.
    Nobody,
}

impl Standing {
    /// Who is to do the next step.
    #[must_use]
    pub fn turn(&self) -> Turn {
        match (self.state, self.holder) {
            (ReviewState::Draft | ReviewState::ChangesRequested, _) => Turn::Author,
            (ReviewState::InReview, Some(holder)) => Turn::Reviewer(holder),
            (ReviewState::Pending | ReviewState::InReview, _) if self.wanted.is_empty() => Turn::Queue,
            (ReviewState::Pending | ReviewState::InReview, _) => Turn::Wanted,
            (ReviewState::Approved | ReviewState::Rejected | ReviewState::Withdrawn, _) => Turn::Nobody,
        }
    }
}

impl Standing {
    /// Whether the next step is `user`'s, alone or with others who were asked for it.
    #[must_use]
    pub fn is_turn_of(&self, user: Option<UserId>) -> bool {
        let Some(user) = user else { return false };
        match self.turn() {
            Turn::Author => user == self.author,
            Turn::Reviewer(holder) => user == holder,
            Turn::Wanted => self.wanted.contains(&user),
            Turn::Queue | Turn::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::review::{Checks, Priority};

    #[test]
    fn every_state_waits_for_somebody_until_it_is_over() {
        let (author, reviewer) = (UserId::new(), UserId::new());
        for (state, holder, wanted, turn) in [
            (ReviewState::Draft, None, vec![], Turn::Author),
            (ReviewState::Pending, None, vec![], Turn::Queue),
            (ReviewState::Pending, None, vec![reviewer], Turn::Wanted),
            (ReviewState::InReview, Some(reviewer), vec![], Turn::Reviewer(reviewer)),
            (ReviewState::ChangesRequested, Some(reviewer), vec![], Turn::Author),
            (ReviewState::Approved, Some(reviewer), vec![], Turn::Nobody),
            (ReviewState::Rejected, Some(reviewer), vec![], Turn::Nobody),
            (ReviewState::Withdrawn, None, vec![], Turn::Nobody),
        ] {
            let standing = Standing {
                state,
                author,
                holder,
                wanted,
                priority: Priority::Medium,
                round: 1,
                open_issues: 0,
                checks: Checks::Passed,
            };
            assert_eq!(standing.turn(), turn, "{standing:?}");
            assert_eq!(standing.is_turn_of(Some(author)), turn == Turn::Author, "{standing:?}");
            let theirs = matches!(turn, Turn::Reviewer(_) | Turn::Wanted);
            assert_eq!(standing.is_turn_of(Some(reviewer)), theirs, "{standing:?}");
            assert!(!standing.is_turn_of(Some(UserId::new())) && !standing.is_turn_of(None), "{standing:?}");
        }
    }
}
