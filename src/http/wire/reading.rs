//! What is in a review's rounds, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::wire::ItemKind;
use crate::model::review::{Difference, Status};
use crate::model::{self, WorkspacePath};

/// A file, folder or link in a round.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entry {
    /// What it is.
    pub kind: ItemKind,
    /// Its size in bytes; 0 unless it is a file.
    pub size: u64,
    /// A file's entity tag: the hash of its content.
    pub etag: Option<String>,
    /// Whether it may be run as a program.
    pub executable: bool,
    /// Where a link points.
    pub target: Option<String>,
}

impl From<model::ItemKind> for Entry {
    fn from(item: model::ItemKind) -> Self {
        let size = item.size();
        let etag = item.hash().map(|hash| format!("\"{hash}\""));
        let (kind, executable, target) = match item {
            model::ItemKind::File { executable, .. } => (ItemKind::File, executable, None),
            model::ItemKind::Folder => (ItemKind::Folder, false, None),
            model::ItemKind::Symlink { target } => (ItemKind::Symlink, false, Some(target)),
        };
        Self { kind, size, etag, executable, target }
    }
}

/// Something in a round, with where it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoundItem {
    /// Where it is.
    pub path: String,
    /// What it is.
    #[serde(flatten)]
    pub entry: Entry,
}

/// A page of what is in a round.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoundTree {
    /// Which round.
    pub round: u32,
    /// By path.
    pub items: Vec<RoundItem>,
    /// Ask for the next page with this.
    pub next: Option<String>,
}

impl RoundTree {
    /// A page of these items.
    #[must_use]
    pub fn new(round: u32, items: Vec<(WorkspacePath, model::ItemKind)>, next: Option<WorkspacePath>) -> Self {
        let item = |(path, kind): (WorkspacePath, model::ItemKind)| RoundItem { path: path.into(), entry: kind.into() };
        Self { round, items: items.into_iter().map(item).collect(), next: next.map(Into::into) }
    }
}

/// What a round is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaseKind {
    /// Another round.
    Round,
    /// What the session had begun with.
    Template,
    /// Nothing: everything is new.
    Empty,
}

/// What a round is compared with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Base {
    /// What it is.
    pub kind: BaseKind,
    /// Which round, if it is one.
    pub round: Option<u32>,
}

/// How many items are not as they were.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Totals {
    /// New ones.
    pub added: usize,
    /// With another content, or another mode.
    pub modified: usize,
    /// Gone.
    pub deleted: usize,
    /// Somewhere else.
    pub renamed: usize,
}

impl Totals {
    /// Of these.
    #[must_use]
    pub fn of(differences: &[Difference]) -> Self {
        differences.iter().fold(Self::default(), |mut totals, difference| {
            *match difference.status {
                Status::Added => &mut totals.added,
                Status::Modified | Status::Mode => &mut totals.modified,
                Status::Deleted => &mut totals.deleted,
                Status::Renamed => &mut totals.renamed,
            } += 1;
            totals
        })
    }
}

/// An item that is not as it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedItem {
    /// Where it is, or was if it is gone.
    pub path: String,
    /// Where it was, if it has moved.
    pub former_path: Option<String>,
    /// What became of it.
    pub status: Status,
    /// What it was.
    pub old: Option<Entry>,
    /// What it is.
    pub new: Option<Entry>,
    /// Whether you have marked it as viewed, as it is in this round.
    pub viewed: bool,
}

impl ChangedItem {
    /// A difference, viewed or not.
    #[must_use]
    pub fn new(difference: Difference, viewed: bool) -> Self {
        let Difference { path, former, status, old, new } = difference;
        Self {
            path: path.into(),
            former_path: former.map(Into::into),
            status,
            old: old.map(Into::into),
            new: new.map(Into::into),
            viewed,
        }
    }
}

/// A page of what a round has changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Diff {
    /// Which round.
    pub round: u32,
    /// What it is compared with.
    pub from: Base,
    /// Over all pages.
    pub totals: Totals,
    /// By path.
    pub items: Vec<ChangedItem>,
    /// Ask for the next page with this.
    pub next: Option<String>,
}

/// A round you have looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeeRound {
    /// Which.
    pub round: u32,
}
