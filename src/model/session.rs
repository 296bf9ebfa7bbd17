//! A session's life.
//!
//! ```text
//!            Start            Restored           Stop
//!   cold ───────────▶ starting ───────▶ ready ─────────▶ stopping
//!    ▲                   │                │                 │
//!    │                   │ Fail           │ SandboxLost     │ Stopped
//!    │                   ▼                │                 │
//!    └──── Start ───── failed             │                 │
//!    └────────────────────────────────────┴─────────────────┘
//!   stopping ── StopFailed ──▶ ready
//!   starting, ready, stopping ── SandboxKept ──▶ cold ── Stop ──▶ stopping      what a dead sandbox left is brought back, or collected
//!   cold, starting, ready, stopping ── Fail ──▶ failed
//!   failed ── SandboxLost ──▶ cold      its user gives up what the sandbox held that could not be reached
//!   any state but deleted ── Delete ──▶ deleted ── Undelete ──▶ cold
//! ```
//!
//! [`SessionState::apply`] is the only place that says so: what the database is told to change is derived from it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::snapshot::TemplateUse;
use super::{Ending, SandboxId, SessionId, UserId};

/// Where a session stands; persisted under these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// No sandbox; the files are in the database, and the last of what programs wrote perhaps still where a dead sandbox has left it.
    Cold,
    /// A sandbox is being claimed and the files restored.
    Starting,
    /// A sandbox runs and holds the files.
    Ready,
    /// Changes are being collected before the sandbox goes.
    Stopping,
    /// Could not start, or fell over too often; says why and may be started again.
    Failed,
    /// Gone for its user, unless they want it back in time.
    Deleted,
}

/// What happens to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionEvent {
    /// Somebody opens it.
    Start,
    /// The sandbox holds the files.
    Restored,
    /// Starting did not work, or the actor fell over too often.
    Fail,
    /// Its sandbox has died under it, and nothing is left of it; or its user has given up what was.
    SandboxLost,
    /// Its sandbox has died under it, and has left what its programs wrote.
    SandboxKept,
    /// Somebody, or idleness, ends it, or what a dead sandbox has left.
    Stop,
    /// The sandbox is gone after its changes were collected.
    Stopped,
    /// Its changes could not be collected, so its sandbox stays.
    StopFailed,
    /// Its user deletes it.
    Delete,
    /// Its user wants it back.
    Undelete,
}

impl SessionState {
    /// Every state, for tables and constraints.
    pub const ALL: [Self; 6] = [Self::Cold, Self::Starting, Self::Ready, Self::Stopping, Self::Failed, Self::Deleted];

    /// The state after `event`; `None` when the event means nothing here and nothing changes.
    #[must_use]
    pub fn apply(self, event: SessionEvent) -> Option<Self> {
        use SessionEvent as E;
        use SessionState as S;
        match (self, event) {
            (S::Deleted, E::Undelete) => Some(S::Cold),
            (S::Deleted, _) => None,
            (_, E::Delete) => Some(S::Deleted),
            (S::Cold | S::Failed, E::Start) => Some(S::Starting),
            (S::Starting, E::Restored) => Some(S::Ready),
            (S::Cold | S::Starting | S::Ready | S::Stopping, E::Fail) => Some(S::Failed),
            (S::Starting | S::Ready | S::Stopping, E::SandboxLost | E::SandboxKept) => Some(S::Cold),
            (S::Failed, E::SandboxLost) => Some(S::Cold),
            (S::Starting | S::Ready | S::Cold, E::Stop) => Some(S::Stopping),
            (S::Stopping, E::Stopped) => Some(S::Cold),
            (S::Stopping, E::StopFailed) => Some(S::Ready),
            _ => None,
        }
    }

    /// Every state in which `event` means something, each with the state after it.
    #[must_use]
    pub fn moves(event: SessionEvent) -> Vec<(Self, Self)> {
        Self::ALL.into_iter().filter_map(|from| Some((from, from.apply(event)?))).collect()
    }

    /// Its persisted name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }

    /// The state with this persisted name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A session as the database knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub owner: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Where it stands.
    pub state: SessionState,
    /// Why it stands there, in words for its user; `None` when there is nothing to say.
    pub reason: Option<String>,
    /// The sandbox it has claimed.
    pub sandbox: Option<SandboxId>,
    /// What that has left for want of room, as part of a sentence; nobody has been able to do anything about it since.
    pub unsaved: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub last_active_at: OffsetDateTime,
    /// What its files take.
    pub usage: Usage,
    /// When its user deleted it, while it can still be had back.
    pub deleted_at: Option<OffsetDateTime>,
    /// When a deleted one goes for good.
    pub purge_at: Option<OffsetDateTime>,
    /// When it was last started.
    pub started_at: Option<OffsetDateTime>,
    /// What its user was granted beyond its maximum life.
    pub granted: Duration,
    /// The template it began with, while that is published.
    pub template: Option<TemplateUse>,
    /// The end that was announced; only its actor knows of one.
    pub ending: Option<Ending>,
}

/// What a workspace holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Usage {
    /// Files and folders.
    pub items: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// What a sandbox has to take because it is saved, whatever the limits are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Files and folders.
    pub items: u64,
    /// Bytes of the largest file.
    pub largest_bytes: u64,
}

/// Longest name of a session, in characters.
pub const MAX_SESSION_NAME_CHARS: usize = 80;

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("a session needs a name")]
    Empty,
    /// Over [`MAX_SESSION_NAME_CHARS`].
    #[error("a session's name has at most 80 characters")]
    TooLong,
    /// Control characters, line breaks or text-direction overrides, which could make one name look like another.
    #[error("a session's name may not contain control characters")]
    Control,
}

/// `text` without surrounding white space, if it is fit for a session's name.
///
/// # Errors
/// The first rule of [`NameError`] it breaks.
pub fn session_name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.chars().any(is_control) {
        return Err(NameError::Control);
    }
    if name.chars().count() > MAX_SESSION_NAME_CHARS {
        return Err(NameError::TooLong);
    }
    Ok(name.to_owned())
}

/// Whether a character steers the display instead of showing in it.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::SessionEvent as E;
    use super::SessionState as S;
    use super::*;

    const EVENTS: [E; 10] = [
        E::Start,
        E::Restored,
        E::Fail,
        E::SandboxLost,
        E::SandboxKept,
        E::Stop,
        E::Stopped,
        E::StopFailed,
        E::Delete,
        E::Undelete,
    ];

    #[test]
    fn every_state_answers_every_event_as_the_table_says() {
        let (starting, ready, stopping) = (Some(S::Starting), Some(S::Ready), Some(S::Stopping));
        let (cold, failed, deleted) = (Some(S::Cold), Some(S::Failed), Some(S::Deleted));
        let table = [
            (S::Cold, [starting, None, failed, None, None, stopping, None, None, deleted, None]),
            (S::Starting, [None, ready, failed, cold, cold, stopping, None, None, deleted, None]),
            (S::Ready, [None, None, failed, cold, cold, stopping, None, None, deleted, None]),
            (S::Stopping, [None, None, failed, cold, cold, None, cold, ready, deleted, None]),
            (S::Failed, [starting, None, None, cold, None, None, None, None, deleted, None]),
            (S::Deleted, [None, None, None, None, None, None, None, None, None, cold]),
        ];
        assert_eq!(table.len(), S::ALL.len());
        for (state, row) in table {
            for (event, expected) in EVENTS.into_iter().zip(row) {
                assert_eq!(state.apply(event), expected, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn every_event_has_its_moves_and_leads_to_one_state() {
        for event in EVENTS {
            let moves = S::moves(event);
            assert!(!moves.is_empty(), "{event:?}");
            for (from, to) in &moves {
                assert_eq!((from.apply(event), *to), (Some(*to), moves[0].1), "{event:?}");
            }
        }
        assert_eq!(S::moves(E::Start), [(S::Cold, S::Starting), (S::Failed, S::Starting)]);
    }

    #[test]
    fn states_are_read_back_from_their_names() {
        for state in S::ALL {
            assert_eq!(S::from_name(state.as_str()), Some(state));
        }
        assert_eq!(S::from_name("Ready"), None);
    }

    #[test]
    fn names_that_could_deceive_are_refused() {
        for (text, expected) in [
            ("  Homework 3 ", Ok("Homework 3")),
            ("日本語 😀", Ok("日本語 😀")),
            (" \t", Err(NameError::Empty)),
            ("a\nb", Err(NameError::Control)),
            ("a\u{202e}b", Err(NameError::Control)),
            (&"x".repeat(81), Err(NameError::TooLong)),
        ] {
            assert_eq!(session_name(text).as_deref(), expected.as_ref().copied(), "{text:?}");
        }
    }
}
