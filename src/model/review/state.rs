//! The words of a review's life: where it stands, what is done to it, how it is decided.

use serde::{Deserialize, Serialize};

/// Where a review stands; persisted under these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Being written; nobody else sees it.
    Draft,
    /// Waits for a reviewer.
    Pending,
    /// A reviewer holds it.
    InReview,
    /// Good as it is.
    Approved,
    /// Not wanted.
    Rejected,
    /// Waits for its author's next round.
    ChangesRequested,
    /// Its author has taken it back.
    Withdrawn,
}

impl ReviewState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::Pending,
        Self::InReview,
        Self::Approved,
        Self::Rejected,
        Self::ChangesRequested,
        Self::Withdrawn,
    ];

    /// Whether something is still to be done: a session has one open request at the most.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Pending | Self::InReview | Self::ChangesRequested)
    }

    /// Its persisted name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Pending => "pending",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::ChangesRequested => "changes_requested",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state with this persisted name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// What a reviewer decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is good as it is.
    Approve,
    /// It is not wanted.
    Reject,
    /// Its author is to answer with another round.
    RequestChanges,
}

/// What can be done to a review; persisted under these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Its author submits a round.
    Submit,
    /// A reviewer takes it.
    Claim,
    /// A reviewer it was meant for does not want it.
    Decline,
    /// Who holds it gives it back to the queue, or time does.
    Release,
    /// Who holds it gives it to another reviewer.
    HandOver,
    /// See [`Verdict::Approve`].
    Approve,
    /// See [`Verdict::Reject`].
    Reject,
    /// See [`Verdict::RequestChanges`].
    RequestChanges,
    /// Its author takes it back.
    Withdraw,
    /// Its author takes up again what they had taken back.
    Reopen,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 10] = [
        Self::Submit,
        Self::Claim,
        Self::Decline,
        Self::Release,
        Self::HandOver,
        Self::Approve,
        Self::Reject,
        Self::RequestChanges,
        Self::Withdraw,
        Self::Reopen,
    ];

    /// Its persisted name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Claim => "claim",
            Self::Decline => "decline",
            Self::Release => "release",
            Self::HandOver => "hand_over",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::RequestChanges => "request_changes",
            Self::Withdraw => "withdraw",
            Self::Reopen => "reopen",
        }
    }

    /// The action with this persisted name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persisted_names_are_those_of_the_api_and_name_what_they_name() {
        for state in ReviewState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(ReviewState::from_name(state.as_str()), Some(state));
        }
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
            assert_eq!(Action::from_name(action.as_str()), Some(action));
        }
        assert_eq!((ReviewState::from_name("open"), Action::from_name("Claim")), (None, None));
    }
}
