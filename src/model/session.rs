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
//!   any state but deleted ── Delete ──▶ deleted
//! ```

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{SandboxId, SessionId, UserId};

/// Where a session stands; persisted under these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// No sandbox; the files are in the database.
    Cold,
    /// A sandbox is being claimed and the files restored.
    Starting,
    /// A sandbox runs and holds the files.
    Ready,
    /// Changes are being collected before the sandbox goes.
    Stopping,
    /// Could not start, or fell over too often; says why and may be started again.
    Failed,
    /// Gone for its user.
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
    /// Its sandbox has died under it.
    SandboxLost,
    /// Somebody, or idleness, ends it.
    Stop,
    /// The sandbox is gone after its changes were collected.
    Stopped,
    /// Its user deletes it.
    Delete,
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
            (S::Deleted, _) => None,
            (_, E::Delete) => Some(S::Deleted),
            (S::Cold | S::Failed, E::Start) => Some(S::Starting),
            (S::Starting, E::Restored) => Some(S::Ready),
            (S::Starting | S::Ready | S::Stopping, E::Fail) => Some(S::Failed),
            (S::Starting | S::Ready | S::Stopping, E::SandboxLost) => Some(S::Cold),
            (S::Starting | S::Ready, E::Stop) => Some(S::Stopping),
            (S::Stopping, E::Stopped) => Some(S::Cold),
            _ => None,
        }
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
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub last_active_at: OffsetDateTime,
    /// What its files take.
    pub usage: Usage,
}

/// What a workspace holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Usage {
    /// Files and folders.
    pub items: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// What a sandbox may use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Quotas {
    /// Memory in MiB, files in temporary file systems included.
    pub memory_mb: u64,
    /// CPUs.
    pub cpus: f64,
    /// Processes and threads.
    pub pids: i64,
    /// Workspace in MiB.
    pub disk_mb: u64,
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
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::SessionEvent as E;
    use super::SessionState as S;
    use super::*;

    const EVENTS: [E; 7] = [E::Start, E::Restored, E::Fail, E::SandboxLost, E::Stop, E::Stopped, E::Delete];

    #[test]
    fn every_state_answers_every_event_as_the_table_says() {
        let table = [
            (S::Cold, [Some(S::Starting), None, None, None, None, None, Some(S::Deleted)]),
            (
                S::Starting,
                [None, Some(S::Ready), Some(S::Failed), Some(S::Cold), Some(S::Stopping), None, Some(S::Deleted)],
            ),
            (S::Ready, [None, None, Some(S::Failed), Some(S::Cold), Some(S::Stopping), None, Some(S::Deleted)]),
            (S::Stopping, [None, None, Some(S::Failed), Some(S::Cold), None, Some(S::Cold), Some(S::Deleted)]),
            (S::Failed, [Some(S::Starting), None, None, None, None, None, Some(S::Deleted)]),
            (S::Deleted, [None; 7]),
        ];
        assert_eq!(table.len(), S::ALL.len());
        for (state, row) in table {
            for (event, expected) in EVENTS.into_iter().zip(row) {
                assert_eq!(state.apply(event), expected, "{state:?} {event:?}");
            }
        }
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
