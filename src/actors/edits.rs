//! Changing several files at once: what is asked for, and what came of it.

use std::collections::HashSet;

use actix::prelude::*;
use time::OffsetDateTime;

use super::api::SessionError;
use crate::db::items::{AppliedChange, ItemChange};
use crate::db::versions::Origin;
use crate::model::{Item, UserId, WorkspacePath};

/// Most changes that are asked for one by one at once; who has more asks several times.
pub const MAX_CHANGES: usize = 10_000;

/// Change several files: in the database in one transaction, all of them or none. In a live session what programs have written is collected
/// before anything of it is replaced, and the files are in place when the reply comes; where that fails half-way, what has been put in
/// place stays, and is collected.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Edited, SessionError>")]
pub struct EditFiles {
    /// What is to become of which files.
    pub intent: Intent,
    /// Who wants it.
    pub user: UserId,
}

/// What of what is only in the sandbox its user gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// All of it, whatever it is.
    All,
    /// What is listed as not kept under these names.
    Named(HashSet<String>),
}

impl GivenUp {
    /// All of it, or none.
    #[must_use]
    pub fn all_if(discard: bool) -> Self {
        if discard { Self::All } else { Self::Named(HashSet::new()) }
    }
}

/// What is to become of which files. But for the first two, decided when its turn comes, by what the workspace holds then.
#[derive(Clone, Debug)]
pub enum Intent {
    /// These changes in their order, at most [`MAX_CHANGES`]. Contents must be stored already; nothing can be moved this way.
    Changes {
        /// What to do.
        changes: Vec<ItemChange>,
        /// Where it comes from.
        origin: Origin,
    },
    /// Remove these with all they hold, at most [`MAX_CHANGES`]; in a live session also what only its sandbox has, for good.
    Remove {
        /// Which.
        paths: Vec<WorkspacePath>,
        /// What of that they hold may go that is only in the sandbox: [`SessionError::HoldsUnkept`] where there is more. What is ignored,
        /// or named itself, goes either way.
        given_up: GivenUp,
    },
    /// Put a copy, with all below, where nothing is.
    Copy {
        /// Of this.
        from: WorkspacePath,
        /// To here.
        to: WorkspacePath,
    },
    /// Have a path and all below as it was; what came into being since is removed.
    AsOf {
        /// Which; `None` is the whole workspace.
        path: Option<WorkspacePath>,
        /// When.
        at: OffsetDateTime,
    },
    /// Have one file, link or empty folder as it is in a version of it.
    Version {
        /// Which.
        path: WorkspacePath,
        /// The version's id.
        version: i64,
    },
    /// Have back what was removed last under this name, with all that went with it.
    Undelete {
        /// Which.
        path: WorkspacePath,
    },
    /// Follow the template it began with to its newest revision, where its user has changed nothing.
    Template,
}

impl Intent {
    /// Whether what goes is found out, rather than named by who wants it.
    pub(super) fn is_decided_later(&self) -> bool {
        matches!(self, Self::AsOf { .. } | Self::Template)
    }
}

impl EditFiles {
    /// The paths below which something may change; `None` is anywhere.
    pub(super) fn paths(&self) -> Option<Vec<WorkspacePath>> {
        Some(match &self.intent {
            Intent::Changes { changes, .. } => changes.iter().map(ItemChange::path).cloned().collect(),
            Intent::Remove { paths, .. } => paths.clone(),
            Intent::AsOf { path, .. } => vec![path.clone()?],
            Intent::Template => return None,
            Intent::Copy { to: path, .. } | Intent::Version { path, .. } | Intent::Undelete { path } => {
                vec![path.clone()]
            }
        })
    }
}

/// What several changes have come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// When: what was before is what there was just before that.
    pub at: OffsetDateTime,
    /// Every path that is not as it was.
    pub changes: Vec<AppliedChange>,
    /// What is now at the path of each change that was asked for, in their order; for a copy, at its top.
    pub items: Vec<Option<Item>>,
    /// What was only in the sandbox, was to be removed, and is gone for good.
    pub strays: Vec<WorkspacePath>,
    /// Files a program had just written, and where what it wrote is kept.
    pub conflict_copies: Vec<(WorkspacePath, WorkspacePath)>,
    /// What both the workspace's user and its template have changed.
    pub conflicts: Vec<Conflict>,
}

/// Something that stayed as its user has it although its template has changed it, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What.
    pub path: WorkspacePath,
    /// Where what the template has is; `None` when it has nothing there any more, or nowhere to be.
    pub copy: Option<WorkspacePath>,
}
