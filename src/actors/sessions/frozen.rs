//! Sessions that begin with something, and what is frozen for others to begin with.

use super::Sessions;
use crate::actors::api::{EditFiles, Edited, Intent, SessionError};
use crate::actors::sync::Settle;
use crate::db::items::{self, Bounds, ItemChange};
use crate::db::leases::Lease;
use crate::db::templates::Publication;
use crate::db::versions::Origin;
use crate::db::{Transaction, snapshots, templates};
use crate::model::snapshot::{MAX_SNAPSHOTS, MAX_TEMPLATES, Snapshot, Template};
use crate::model::{ItemKind, SessionId, SnapshotId, TemplateId, UserId, WorkspacePath};

/// What a new session begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nothing.
    Empty,
    /// The newest revision of a template.
    Template(TemplateId),
    /// What another session of the same user holds.
    Session(SessionId),
    /// What one held.
    Snapshot(SnapshotId),
}

/// What a new session is to hold.
pub(super) struct Beginning {
    files: Vec<(WorkspacePath, ItemKind)>,
    template: Option<(TemplateId, u32)>,
}

impl Sessions {
    /// Brings into the database what programs of a session have written; at once where nothing runs.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn settle(&self, id: SessionId) -> Result<(), SessionError> {
        self.write(id, Settle).await
    }

    /// Freezes what a session holds, under a name that was checked.
    ///
    /// # Errors
    /// [`SessionError::SnapshotLimit`], or what keeps changes of programs from being saved.
    pub async fn freeze(&self, id: SessionId, name: &str) -> Result<Snapshot, SessionError> {
        self.settle(id).await?;
        let mut connection = self.inner.deps.db.bulk().await?;
        let transaction = connection.transaction().await?;
        let Some(snapshot) = snapshots::add(&transaction, id, name, MAX_SNAPSHOTS).await? else {
            return Err(SessionError::SnapshotLimit);
        };
        transaction.commit().await?;
        Ok(snapshot)
    }

    /// Removes a snapshot of a session.
    ///
    /// # Errors
    /// [`SessionError::NoItem`] when there is none.
    pub async fn remove_snapshot(&self, id: SessionId, snapshot: SnapshotId) -> Result<(), SessionError> {
        let mut connection = self.inner.deps.db.bulk().await?;
        let transaction = connection.transaction().await?;
        if !snapshots::remove(&transaction, id, snapshot).await? {
            return Err(SessionError::NoItem);
        }
        Ok(transaction.commit().await?)
    }

    /// Publishes what a session holds as a template, or as its next revision.
    ///
    /// # Errors
    /// [`SessionError::TemplateLimit`], or as [`Sessions::freeze`].
    pub async fn publish(&self, what: &Publication) -> Result<Template, SessionError> {
        self.settle(what.session).await?;
        let mut connection = self.inner.deps.db.bulk().await?;
        let transaction = connection.transaction().await?;
        let template = templates::publish(&transaction, what, MAX_TEMPLATES).await?;
        let template = template.ok_or(SessionError::TemplateLimit)?;
        transaction.commit().await?;
        Ok(template)
    }

    /// Removes a template. Sessions that began with it stay as they are.
    ///
    /// # Errors
    /// [`SessionError::NoItem`] when there is none.
    pub async fn remove_template(&self, id: TemplateId) -> Result<(), SessionError> {
        let mut connection = self.inner.deps.db.bulk().await?;
        let transaction = connection.transaction().await?;
        if !templates::remove(&transaction, id).await? {
            return Err(SessionError::NoItem);
        }
        Ok(transaction.commit().await?)
    }

    /// Has a session follow the template it began with.
    ///
    /// # Errors
    /// [`SessionError::NoItem`] when it began with none that is still published.
    pub async fn update_from_template(&self, id: SessionId, user: UserId) -> Result<Edited, SessionError> {
        self.edit(id, EditFiles { intent: Intent::Template, user }).await
    }

    /// What a new session is to hold; `None` is nothing.
    pub(super) async fn beginning(&self, source: Source) -> Result<Option<Beginning>, SessionError> {
        if let Source::Session(id) = source {
            self.settle(id).await?;
        }
        let connection = self.inner.deps.db.bulk().await?;
        let frozen = async |id| Ok::<_, SessionError>(snapshots::items(&connection, id).await?.into_iter().collect());
        Ok(match source {
            Source::Empty => None,
            Source::Session(id) => {
                let items = items::all(&connection, id).await?;
                let files = items.into_iter().map(|item| (item.path, item.kind)).collect();
                Some(Beginning { files, template: None })
            }
            Source::Snapshot(id) => Some(Beginning { files: frozen(id).await?, template: None }),
            Source::Template(id) => {
                let (template, snapshot) = templates::get(&connection, id).await?.ok_or(SessionError::NoItem)?;
                Some(Beginning { files: frozen(snapshot).await?, template: Some((id, template.revision)) })
            }
        })
    }
}

impl Beginning {
    /// Puts it into a session that was just made in this transaction.
    pub(super) async fn fill(
        self,
        transaction: &Transaction<'_>,
        (session, owner): (SessionId, UserId),
        bounds: &Bounds,
    ) -> Result<(), SessionError> {
        let put = |(path, kind)| ItemChange::put(path, kind);
        let changes: Vec<_> = self.files.into_iter().map(put).collect();
        // Nobody can have taken it before.
        let lease = Lease::new(session, 0);
        items::apply(transaction, &lease, &changes, Origin::Restore, Some(owner), bounds).await?;
        if let Some((template, revision)) = self.template
            && !templates::note(transaction, session, template, revision).await?
        {
            return Err(SessionError::Busy);
        }
        Ok(())
    }
}
