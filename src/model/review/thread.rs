//! Threads of comments: what they are, and who says that they are settled.

use serde::{Deserialize, Serialize};

use super::{Action, Actor, ReviewError, Standing};
use crate::model::UserId;

/// Makes an enum of names that are persisted, and those of the API.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its persisted name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one with this persisted name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == name)
            }
        }
    };
}

named! {
    /// What a thread is about; persisted under these names.
    ThreadKind {
        /// Something to know.
        General = "general",
        /// Something that could be better.
        Suggestion = "suggestion",
        /// Something that must be better: it blocks approval.
        Issue = "issue",
        /// Something to be answered.
        Question = "question",
        /// Something that is good.
        Praise = "praise",
    }
}

named! {
    /// Where a thread stands; persisted under these names.
    ThreadState {
        /// It waits.
        Open = "open",
        /// Somebody says that it is settled.
        Resolved = "resolved",
        /// A reviewer has seen that it is.
        Verified = "verified",
    }
}

named! {
    /// What can be done to a thread.
    ThreadAction {
        /// Say that it is settled.
        Resolve = "resolve",
        /// Say, as a reviewer, that one has seen that it is.
        Verify = "verify",
        /// Say that it is not.
        Reopen = "reopen",
    }
}

named! {
    /// Which of two compared texts lines are in; persisted under these names.
    Side {
        /// The round's own.
        New = "new",
        /// What it is compared with: the round before, or what the session had begun with.
        Old = "old",
    }
}

/// A thread, as far as it matters for what may be done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadStanding {
    /// What it is about.
    pub kind: ThreadKind,
    /// Where it stands.
    pub state: ThreadState,
    /// Who began it.
    pub opened_by: UserId,
}

impl ThreadStanding {
    /// Whether the review cannot be approved before this is verified.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.kind == ThreadKind::Issue && self.state != ThreadState::Verified
    }

    /// The state after `action`, if `actor` may do that to this thread of a review that stands so. Its author, whoever began the thread and the
    /// reviewer who holds the review say that it is settled, or that it is not; the latter two alone that they have seen it.
    ///
    /// # Errors
    /// [`ReviewError::Illegal`] when the review is over; [`ReviewError::NotYours`]; [`ReviewError::ThreadState`].
    pub fn after(&self, action: ThreadAction, actor: &Actor, review: &Standing) -> Result<ThreadState, ReviewError> {
        use ThreadState::{Open, Resolved, Verified};
        may_discuss(review, actor)?;
        let id = actor.user();
        let looks_after = id != Some(review.author) && (id == Some(self.opened_by) || id == review.holder);
        let may = looks_after || (action != ThreadAction::Verify && id == Some(review.author));
        if !may {
            return Err(ReviewError::NotYours);
        }
        match (self.state, action) {
            (Open, ThreadAction::Resolve) => Ok(Resolved),
            (Open | Resolved, ThreadAction::Verify) => Ok(Verified),
            (Resolved, ThreadAction::Reopen) => Ok(Open),
            // What a reviewer has seen to be settled is only theirs to take up again.
            (Verified, ThreadAction::Reopen) if looks_after => Ok(Open),
            (Verified, ThreadAction::Reopen) => Err(ReviewError::NotYours),
            (state, _) => Err(ReviewError::ThreadState { state }),
        }
    }
}

/// Refuses comments on a review that is over, or was never submitted.
///
/// # Errors
/// [`ReviewError::Illegal`].
pub fn may_discuss(review: &Standing, actor: &Actor) -> Result<(), ReviewError> {
    if review.state.is_open() && review.round > 0 {
        return Ok(());
    }
    let possible: Vec<Action> = review.possible(actor);
    Err(ReviewError::Illegal { state: review.state, possible })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::review::{Availability, Checks, Priority, ReviewState, ReviewerLevel};

    #[test]
    fn who_may_settle_what_in_every_state() {
        use ThreadAction::{Reopen, Resolve, Verify};
        use ThreadState::{Open, Resolved, Verified};
        let [author, opener, holder, other] = [(); 4].map(|()| UserId::new());
        let review = |state| Standing {
            state,
            author,
            holder: Some(holder),
            wanted: vec![],
            priority: Priority::Medium,
            round: 1,
            open_issues: 1,
            checks: Checks::Passed,
        };
        let user =
            |id| Actor::User { id, level: ReviewerLevel::Senior, availability: Availability::Free, operator: false };
        let (yes, no) = (Some, None);
        // By author, opener, holder, somebody else: the state that comes of it, or nothing.
        for (from, action, [by_author, by_opener, by_holder, by_other]) in [
            (Open, Resolve, [yes(Resolved), yes(Resolved), yes(Resolved), no]),
            (Open, Verify, [no, yes(Verified), yes(Verified), no]),
            (Open, Reopen, [no; 4]),
            (Resolved, Resolve, [no; 4]),
            (Resolved, Verify, [no, yes(Verified), yes(Verified), no]),
            (Resolved, Reopen, [yes(Open), yes(Open), yes(Open), no]),
            (Verified, Resolve, [no; 4]),
            (Verified, Verify, [no; 4]),
            (Verified, Reopen, [no, yes(Open), yes(Open), no]),
        ] {
            let expected = [(author, by_author), (opener, by_opener), (holder, by_holder), (other, by_other)];
            for &kind in ThreadKind::ALL {
                let thread = ThreadStanding { kind, state: from, opened_by: opener };
                for (who, expected) in expected {
                    for state in ReviewState::ALL {
                        let found = thread.after(action, &user(who), &review(state));
                        let expected = expected.filter(|_| state.is_open());
                        assert_eq!(found.as_ref().ok().copied(), expected, "{thread:?} {action:?} {state:?} {found:?}");
                    }
                }
                assert_eq!(thread.blocks(), kind == ThreadKind::Issue && from != Verified);
            }
        }
        // The author's own thread is settled by themselves, and seen to be by the reviewer.
        let own = ThreadStanding { kind: ThreadKind::Question, state: Open, opened_by: author };
        assert_eq!(own.after(Resolve, &user(author), &review(ReviewState::InReview)), Ok(Resolved));
        assert_eq!(own.after(Verify, &user(author), &review(ReviewState::InReview)), Err(ReviewError::NotYours));
    }

    #[test]
    fn names_are_those_of_the_api() {
        for &kind in ThreadKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(ThreadKind::from_name(kind.as_str()), Some(kind));
        }
        for &state in ThreadState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for &action in ThreadAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
        for &side in Side::ALL {
            assert_eq!(serde_json::to_value(side).unwrap(), side.as_str());
        }
        assert_eq!(ThreadKind::from_name("Issue"), None);
    }
}
