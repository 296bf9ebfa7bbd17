//! What every job on a workspace needs.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::broadcast;

use crate::actors::api::SessionError;
use crate::config::Config;
use crate::db::items::{AppliedChange, ApplyError, Bounds};
use crate::db::{Db, DbError};
use crate::model::{Level, SessionId, SessionNotice};

/// Changes a page is told one by one; beyond that it fetches its tree again.
const TOLD_ITEMS: usize = 256;

/// A workspace and where its changes go.
#[derive(Clone)]
pub struct Work {
    /// Whose workspace.
    pub session: SessionId,
    /// The source of truth.
    pub db: Db,
    /// Pages that look at it.
    pub notices: broadcast::Sender<SessionNotice>,
    /// The limits.
    pub config: Arc<Config>,
    /// Where jobs run.
    pub io: Handle,
}

impl Work {
    pub(super) fn max_file_bytes(&self) -> u64 {
        self.config.workspace.max_file_mb * 1024 * 1024
    }

    pub(super) fn bounds(&self) -> Bounds {
        let workspace = &self.config.workspace;
        Bounds { max_items: u64::from(workspace.max_items), max_bytes: workspace.max_total_mb * 1024 * 1024 }
    }

    pub(super) fn tell(&self, notice: SessionNotice) {
        // An error means that nobody looks.
        self.notices.send(notice).ok();
    }

    /// Tells pages what has changed, one by one unless it is too much.
    pub(super) fn tell_tree(&self, changes: Vec<AppliedChange>) {
        match changes.len() {
            0 => {}
            1..=TOLD_ITEMS => {
                self.tell(SessionNotice::Tree(changes.into_iter().map(|change| (change.path, change.after)).collect()))
            }
            _ => self.tell(SessionNotice::TreeStale),
        }
    }

    pub(super) fn warn(&self, text: String) {
        self.tell(SessionNotice::Message { level: Level::Warning, text });
    }
}

impl From<DbError> for SessionError {
    fn from(error: DbError) -> Self {
        if error.is_unavailable() {
            return Self::Unavailable("the database is not available: try again in a moment".into());
        }
        tracing::error!(error = %error, "the database failed");
        Self::Internal
    }
}

impl From<ApplyError> for SessionError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::PreconditionFailed { current, .. } => Self::PreconditionFailed { current },
            ApplyError::Exists(_) => Self::Exists,
            ApplyError::NotFound(_) => Self::NoItem,
            ApplyError::NotFolder(_) => Self::NotFolder,
            ApplyError::IsFolder(_) => Self::IsFolder,
            ApplyError::IntoItself(_) | ApplyError::BadPath { .. } => Self::Refused,
            ApplyError::TooManyItems(_) => Self::TooManyItems,
            ApplyError::TooManyBytes(_) => Self::TooManyBytes,
            ApplyError::NoSession => Self::NotFound,
            ApplyError::Db(error) => error.into(),
        }
    }
}
