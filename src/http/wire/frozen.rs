//! Shapes of snapshots and templates.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::actors::api::Edited;
use crate::db::items::AppliedChange;
use crate::model::snapshot;

/// What a workspace held when it was frozen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Snapshot {
    /// Its id.
    pub id: Uuid,
    /// What its maker calls it.
    pub name: String,
    /// Files, folders and links in it.
    pub items: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// When it was taken.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

impl From<snapshot::Snapshot> for Snapshot {
    fn from(snapshot: snapshot::Snapshot) -> Self {
        let snapshot::Snapshot { id, name, items, bytes, created_at } = snapshot;
        Self { id: id.0, name, items, bytes, created_at }
    }
}

/// A session's snapshots, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotList {
    /// The snapshots.
    pub items: Vec<Snapshot>,
    /// Always null: there are at most 50.
    pub next: Option<String>,
}

/// A new snapshot.
#[derive(Deserialize, ToSchema)]
pub struct CreateSnapshot {
    /// 1 to 80 characters.
    pub name: String,
}

/// Files a session can begin with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Template {
    /// Its id.
    pub id: Uuid,
    /// What operators know it by.
    pub name: String,
    /// What users see of it.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Files, folders and links in it.
    pub items: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Its newest revision.
    pub revision: u32,
    /// When that was published.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl From<snapshot::Template> for Template {
    fn from(template: snapshot::Template) -> Self {
        let snapshot::Template { id, name, title, description, items, bytes, revision, updated_at } = template;
        Self { id: id.0, name, title, description, items, bytes, revision, updated_at }
    }
}

/// All templates, by title.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateList {
    /// The templates.
    pub items: Vec<Template>,
    /// Always null: there are at most 200.
    pub next: Option<String>,
}

/// What an operator publishes; under a name that is known it is the template's next revision.
#[derive(Deserialize, ToSchema)]
pub struct PublishTemplate {
    /// 1 to 80 characters.
    pub name: String,
    /// 1 to 80 characters, for users.
    pub title: String,
    /// At most 1000 characters, for users.
    #[serde(default)]
    pub description: String,
    /// The operator's session whose files it is made of.
    pub session: Uuid,
}

/// The template a session began with.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateUse {
    /// Which.
    pub id: Uuid,
    /// What users see of it.
    pub name: String,
    /// The revision the session has.
    pub revision: u32,
    /// The newest there is.
    pub newest: u32,
}

impl From<snapshot::TemplateUse> for TemplateUse {
    fn from(template: snapshot::TemplateUse) -> Self {
        let snapshot::TemplateUse { id, title, revision, newest } = template;
        Self { id: id.0, name: title, revision, newest }
    }
}

/// What following a template has changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateUpdated {
    /// Items that are as the template has them now.
    pub updated: Vec<String>,
    /// Items that went with the template's.
    pub removed: Vec<String>,
    /// What both the user and the template had changed: it is as the user has it.
    pub conflicts: Vec<TemplateConflict>,
}

/// Something both a user and the template have changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateConflict {
    /// What.
    pub path: String,
    /// Where what the template has was put; null when it has nothing there any more, or there was no place for it.
    pub copy: Option<String>,
}

impl From<Edited> for TemplateUpdated {
    fn from(edited: Edited) -> Self {
        let is_copy = |change: &AppliedChange| {
            edited.conflicts.iter().any(|conflict| conflict.copy.as_ref() == Some(&change.path))
        };
        let followed = edited.changes.iter().filter(|change| !is_copy(change));
        let (updated, removed): (Vec<_>, Vec<_>) = followed.partition(|change| change.after.is_some());
        let paths = |changes: Vec<&AppliedChange>| changes.into_iter().map(|change| change.path.to_string()).collect();
        let (updated, removed) = (paths(updated), paths(removed));
        let conflicts = edited
            .conflicts
            .into_iter()
            .map(|conflict| TemplateConflict { path: conflict.path.into(), copy: conflict.copy.map(Into::into) });
        Self { updated, removed, conflicts: conflicts.collect() }
    }
}
