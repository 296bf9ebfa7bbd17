//! What every job on a workspace needs.

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, broadcast};

use super::unkept::Unkept;
use crate::actors::api::SessionError;
use crate::actors::bounds;
use crate::actors::watch::Watch;
use crate::config::Config;
use crate::db::items::{self, Applied, AppliedChange, ApplyError, Bounds, Decided, GroupCommit, ItemChange, Look};
use crate::db::leases::Lease;
use crate::db::{Client, Db, DbError, Transaction, Unavailable};
use crate::model::{ItemKind, Level, SessionId, SessionNotice};

/// Changes a page is told one by one; beyond that it fetches its tree again.
const TOLD_ITEMS: usize = 256;

/// What an item takes in a sandbox is a multiple of this.
const PAGE_BYTES: u64 = 4096;

/// A workspace and where its changes go.
#[derive(Clone)]
pub struct Work {
    /// Whose workspace.
    pub session: SessionId,
    /// The right to write it.
    pub lease: Lease,
    /// What is known of the requests to its actor.
    pub watch: Watch,
    /// The source of truth.
    pub db: Db,
    /// For small changes somebody waits for.
    pub group_commit: GroupCommit,
    /// What of its sandbox is not kept.
    pub unkept: Unkept,
    /// Pages that look at it.
    pub notices: broadcast::Sender<SessionNotice>,
    /// The limits.
    pub config: Arc<Config>,
    /// Where jobs run.
    pub io: Handle,
    /// Held by the job that runs. A job outlives its actor; the next one's waits for it, since both have the same lease.
    pub turn: Arc<Mutex<()>>,
}

impl Work {
    pub(super) fn max_file_bytes(&self) -> u64 {
        self.config.workspace.max_file_mb * 1024 * 1024
    }

    pub(super) fn bounds(&self) -> Bounds {
        bounds(&self.config.workspace)
    }

    /// What changes would do to the database. Asked before the sandbox is touched: what it holds and the database refuses would stand in
    /// the way of every later commit. Nobody else writes the workspace, so the answer holds until this job has committed.
    ///
    /// # Errors
    /// What committing them would be refused for.
    pub(super) async fn decide(&self, client: &impl Client, changes: Vec<ItemChange>) -> Result<Decided, SessionError> {
        let look = items::look(client, self.session, &changes).await?;
        self.decide_on(client, look, changes).await
    }

    /// The same, where what they touch has been looked at.
    ///
    /// # Errors
    /// As [`Work::decide`].
    pub(super) async fn decide_on(
        &self,
        client: &impl Client,
        look: Look,
        changes: Vec<ItemChange>,
    ) -> Result<Decided, SessionError> {
        let decided = look.decide(changes, &self.bounds())?;
        let planned = decided.applied(OffsetDateTime::now_utc());
        self.has_room(client, &planned, growth(&planned)).await?;
        Ok(decided)
    }

    /// Whether these changes would fit: without looking at what they replace where there is ample room.
    ///
    /// # Errors
    /// As [`Work::decide`].
    pub(super) async fn have_room(&self, changes: &[ItemChange]) -> Result<(), SessionError> {
        let put = |change: &ItemChange| match change {
            ItemChange::Put { kind, .. } => kind.size(),
            _ => 0,
        };
        let (items, bytes) = (changes.len() as u64, changes.iter().map(put).fold(0, u64::saturating_add));
        let (connection, bounds) = (self.db.bulk().await?, self.bounds());
        let usage = items::usage(&connection, self.session).await?.ok_or(SessionError::NotFound)?;
        let (items, bytes) = (usage.items.saturating_add(items), usage.bytes.saturating_add(bytes));
        let disk = self.config.sandbox.disk_mb * 1024 * 1024;
        let pages = bytes.saturating_add(items.saturating_mul(PAGE_BYTES));
        if items <= bounds.max_items && bytes <= bounds.max_bytes && pages <= disk {
            return Ok(());
        }
        self.decide(&connection, changes.to_vec()).await.map(drop)
    }

    /// Whether what changes have made of the workspace still fits into a sandbox, where every item takes whole pages. What only takes
    /// away always does.
    ///
    /// # Errors
    /// [`SessionError::TooManyBytes`]; the transaction is to be rolled back.
    pub(super) async fn fits(&self, transaction: &Transaction<'_>, applied: &Applied) -> Result<(), SessionError> {
        self.has_room(transaction, applied, 0).await
    }

    /// The same where `pending` pages of the changes are not written yet.
    async fn has_room(&self, client: &impl Client, applied: &Applied, pending: i128) -> Result<(), SessionError> {
        let disk = self.config.sandbox.disk_mb * 1024 * 1024;
        // The sum over all items is asked for only where it may be too much.
        if applied.usage.bytes + applied.usage.items * PAGE_BYTES <= disk {
            return Ok(());
        }
        if growth(applied) <= 0 {
            return Ok(());
        }
        let pages = i128::from(items::pages(client, self.session, PAGE_BYTES).await?) + pending;
        if pages > i128::from(disk / PAGE_BYTES) { Err(SessionError::TooManyBytes) } else { Ok(()) }
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

/// Pages that changes add, or take away.
fn growth(applied: &Applied) -> i128 {
    let change = |change: &AppliedChange| {
        let after = change.after.as_ref().map_or(0, |item| pages(&item.kind));
        i128::from(after) - i128::from(change.before.as_ref().map_or(0, pages))
    };
    applied.changes.iter().map(change).sum()
}

/// Pages an item takes in a sandbox's workspace: blocks where that is on a disk. Folders take none in memory and at least one there, and
/// the volume has room besides for what is more. [`items::pages`] counts the same way.
fn pages(kind: &ItemKind) -> u64 {
    match kind {
        ItemKind::File { size, .. } => size.div_ceil(PAGE_BYTES),
        ItemKind::Symlink { .. } | ItemKind::Folder => 1,
    }
}

impl From<DbError> for SessionError {
    fn from(error: DbError) -> Self {
        if matches!(error, DbError::LeaseLost) {
            return Self::Moved;
        }
        if matches!(error, DbError::Unavailable(Unavailable::DiskFull(_))) {
            tracing::error!(error = %error, "nothing can be saved");
            let text = "nothing can be saved because the database's disk is full: its operator has to make room";
            return Self::Unavailable(text.into());
        }
        if matches!(error, DbError::Unavailable(Unavailable::Contention(_))) {
            return Self::Unavailable("something else was written there at the same time: try again".into());
        }
        if error.is_unavailable() || error.is_swept_content() {
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
            ApplyError::IntoItself(_) => Self::IntoItself,
            ApplyError::BadPath { path, why } => Self::BadPath { path, why },
            ApplyError::TooManyItems(_) => Self::TooManyItems,
            ApplyError::TooManyBytes(_) => Self::TooManyBytes,
            ApplyError::NoSession => Self::NotFound,
            ApplyError::Db(error) => error.into(),
        }
    }
}
