//! Shapes of what is not kept.

use carrel_protocol::Shape;
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::unkept::{UnkeptList, Why, WorkspaceLimits};

/// What is in a sandbox and is not kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnkeptItems {
    /// By name. Of a folder that is ignored, what it holds is not listed.
    pub items: Vec<UnkeptItem>,
    /// There is more.
    pub truncated: bool,
}

/// One thing that is not kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnkeptItem {
    /// Its path, or a readable rendering of a name that is none.
    pub path: String,
    /// What it looks like.
    pub kind: UnkeptKind,
    /// Why.
    pub why: Why,
    /// The same in words: "larger than 64 MB, the most a file may have: not saved".
    pub text: String,
}

/// What something looks like.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnkeptKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Anything else.
    Other,
}

impl UnkeptItems {
    /// The list as it is told, for a workspace with these limits.
    #[must_use]
    pub fn of(list: &UnkeptList, limits: &WorkspaceLimits) -> Self {
        let items = list.iter().map(|(path, unkept)| UnkeptItem {
            path: path.to_owned(),
            kind: unkept.shape.into(),
            why: unkept.why,
            text: unkept.why.text(limits),
        });
        Self { items: items.collect(), truncated: list.is_truncated() }
    }
}

impl From<Shape> for UnkeptKind {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::File => Self::File,
            Shape::Folder => Self::Folder,
            Shape::Other => Self::Other,
        }
    }
}
