//! What every job on a workspace needs.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::broadcast;

use crate::actors::api::SessionError;
use crate::config::Config;
use crate::db::items::{ApplyError, Bounds};
use crate::db::{Db, DbError};
use crate::model::{Item, Level, SessionId, SessionNotice, WorkspacePath};

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

    pub(super) fn tell_tree(&self, changes: Vec<(WorkspacePath, Option<Item>)>) {
        if !changes.is_empty() {
            self.tell(SessionNotice::Tree(changes));
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
            ApplyError::PreconditionFailed { current } => Self::PreconditionFailed { current },
            ApplyError::Exists => Self::Exists,
            ApplyError::NotFound => Self::NoItem,
            ApplyError::NotFolder => Self::NotFolder,
            ApplyError::IsFolder => Self::IsFolder,
            ApplyError::TooManyItems => Self::TooManyItems,
            ApplyError::TooManyBytes => Self::TooManyBytes,
            ApplyError::Db(error) => error.into(),
        }
    }
}
