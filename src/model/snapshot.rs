//! Frozen workspaces, and the templates operators make of them.

use time::OffsetDateTime;

use super::{SnapshotId, TemplateId};

/// What a workspace held when it was frozen; never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// What its maker calls it.
    pub name: String,
    /// Files, folders and links in it.
    pub items: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// When it was taken.
    pub created_at: OffsetDateTime,
}

/// Files sessions can begin with, in their newest revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
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
    /// Its newest revision; the first is 1.
    pub revision: u32,
    /// When that was published.
    pub updated_at: OffsetDateTime,
}

/// The template a session began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateUse {
    /// Which.
    pub id: TemplateId,
    /// What users see of it.
    pub title: String,
    /// The revision the session has.
    pub revision: u32,
    /// The newest there is.
    pub newest: u32,
}

/// Most snapshots of one session.
pub const MAX_SNAPSHOTS: u32 = 50;

/// Most templates.
pub const MAX_TEMPLATES: u32 = 200;
