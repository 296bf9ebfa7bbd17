//! Shapes of a workspace's history, and of changes of many files at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Item, ItemKind};
use crate::actors::api::Edited;
use crate::db::versions::{self, Change as Happened, Origin as CameFrom};
use crate::model;

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Created,
    /// It has another content, kind or flag.
    Modified,
    /// It is gone; the version says what it was.
    Removed,
    /// It came from `other_path`.
    MovedHere,
    /// It went to `other_path`; the version says what it was.
    MovedAway,
}

/// Where a change came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The page's editor or tree.
    Editor,
    /// A program in the sandbox.
    Terminal,
    /// An upload or import.
    Upload,
    /// An older version brought back.
    Restore,
    /// A review.
    Review,
}

/// Who did something, as others see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Who {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub display_name: String,
}

/// One version of a path.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Later versions have greater ones.
    pub id: i64,
    /// Of what.
    pub path: String,
    /// What happened.
    pub change: Change,
    /// What it is, or was.
    pub kind: ItemKind,
    /// Its size in bytes; 0 unless it is a file.
    pub size: u64,
    /// A file's entity tag.
    pub etag: Option<String>,
    /// Whether it may be run as a program.
    pub executable: bool,
    /// Where a link points.
    pub target: Option<String>,
    /// The other end of a move.
    pub other_path: Option<String>,
    /// Where the change came from.
    pub origin: Origin,
    /// Who made it; null for what programs did.
    pub user: Option<Who>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl From<versions::Version> for Version {
    fn from(version: versions::Version) -> Self {
        let item = Item::from(model::Item { path: version.path, kind: version.kind, modified_at: version.at });
        let (change, other_path) = match version.change {
            Happened::Created => (Change::Created, None),
            Happened::Modified => (Change::Modified, None),
            Happened::Removed => (Change::Removed, None),
            Happened::MovedHere(path) => (Change::MovedHere, Some(path)),
            Happened::MovedAway(path) => (Change::MovedAway, Some(path)),
        };
        Self {
            id: version.id,
            path: item.path,
            change,
            kind: item.kind,
            size: item.size,
            etag: item.etag,
            executable: item.executable,
            target: item.target,
            other_path: other_path.map(Into::into),
            origin: match version.origin {
                CameFrom::Editor => Origin::Editor,
                CameFrom::Terminal => Origin::Terminal,
                CameFrom::Upload => Origin::Upload,
                CameFrom::Restore => Origin::Restore,
                CameFrom::Review => Origin::Review,
            },
            user: version.user.map(|(id, display_name)| Who { id: id.0, display_name }),
            at: version.at,
        }
    }
}

/// A page of versions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionList {
    /// The versions.
    pub items: Vec<Version>,
    /// `cursor` of the next page.
    pub next: Option<String>,
}

/// What is to be as it was. With neither `version` nor `at`: what was removed last under `path` is to be there again.
#[derive(Deserialize, ToSchema)]
pub struct Restore {
    /// What; the whole workspace when absent.
    pub path: Option<String>,
    /// This one item as in this version of it.
    pub version: Option<i64>,
    /// It and all below as it was then; what came into being since is removed.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}

/// A copy of a file or folder.
#[derive(Deserialize, ToSchema)]
pub struct Copy {
    /// Of this.
    pub from: String,
    /// Here, where nothing may be; missing parents are made.
    pub to: String,
}

/// Files and folders to be deleted together.
#[derive(Deserialize, ToSchema)]
pub struct Delete {
    /// Which, at most 1000.
    pub paths: Vec<String>,
    /// What of that folders hold in the sandbox alone is given up, by its name in `unkept`; at most 1000. Whatever else there is, is asked about.
    #[serde(default)]
    pub give_up: Vec<String>,
}

/// What came of changing many files at once.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    /// Items that are there now, or have another content, and were not so before.
    pub restored: u64,
    /// Items that are gone; what only the sandbox had counts once, whatever it held.
    pub removed: u64,
    /// Where contents that programs had just written were kept.
    pub conflict_copies: Vec<String>,
    /// The moment before: `restore` with this as `at` takes it back.
    #[serde(with = "time::serde::rfc3339")]
    pub before: OffsetDateTime,
}

impl From<Edited> for Changed {
    fn from(edited: Edited) -> Self {
        let (there, gone): (Vec<_>, Vec<_>) = edited.changes.iter().partition(|change| change.after.is_some());
        let conflict_copies = edited.conflict_copies.into_iter().map(|(_, copy)| copy.into()).collect();
        // The database counts in microseconds, and nothing else of this workspace happened in that one.
        let before = edited.at - Duration::from_micros(1);
        let removed = (gone.len() + edited.strays.len()) as u64;
        Self { restored: there.len() as u64, removed, conflict_copies, before }
    }
}
