//! What would go for good with what several changes take away: looked for first, and kept unless its user gives it up.
//!
//! What goes because a time or a template says so was named by nobody, so all it holds is kept. A deletion names its folders: what is ignored
//! goes with them, as its user expects, and what is named itself goes whatever it is.

use std::collections::HashSet;

use super::stray::Stray;
use super::told::Told;
use super::{Work, collect, edit};
use crate::actors::api::SessionError;
use crate::actors::edits::{GivenUp, Intent};
use crate::db::items::AppliedChange;
use crate::link::AgentLink;
use crate::model::unkept::{enumerated, spoken};
use crate::model::{ItemKind, WorkspacePath};

/// What a look at the whole sandbox could not bring over, beside what is listed as not kept.
pub(super) struct Seen {
    /// Files that changed whenever they were read.
    torn: Vec<WorkspacePath>,
    /// Programs made and removed things all the time, so that nobody can say what else there is.
    restless: bool,
}

/// Collects what programs have written before `intent` takes any of it away.
///
/// # Errors
/// When that failed. Who deletes makes room by it: neither a bound nor a program that never rests is in their way.
pub(super) async fn look(work: &Work, told: &Told, link: &AgentLink, intent: &Intent) -> Result<Seen, SessionError> {
    let mut torn = Vec::new();
    let restless = match collect::look(work, told, link, &mut torn).await {
        Ok(()) => false,
        Err(SessionError::TooManyItems | SessionError::TooManyBytes) if !intent.is_decided_later() => false,
        Err(SessionError::Busy) if !intent.is_decided_later() => true,
        Err(error) => return Err(error),
    };
    Ok(Seen { torn, restless })
}

/// Refuses changes, and removals of what only the sandbox has, that would take along what else only the sandbox has.
///
/// # Errors
/// [`SessionError::HoldsUnkept`]; [`SessionError::Busy`] where a file that would be touched unnamed is being written.
pub(super) fn refuse(
    work: &Work,
    intent: &Intent,
    changes: &[AppliedChange],
    strays: &[Stray],
    seen: &Seen,
) -> Result<(), SessionError> {
    // What is named goes, and what its user has given up by name.
    let mut given_up: HashSet<&str> = strays.iter().map(|stray| stray.path.as_str()).collect();
    let named = match intent {
        Intent::Remove { given_up: GivenUp::Named(names), .. } => {
            given_up.extend(names.iter().map(String::as_str));
            true
        }
        Intent::AsOf { .. } | Intent::Template => false,
        _ => return Ok(()),
    };
    if !named {
        let touched: HashSet<_> = changes.iter().map(|change| &change.path).collect();
        if seen.torn.iter().any(|path| touched.contains(path) || lies_in(path, &touched)) {
            return Err(SessionError::Busy);
        }
    }
    let mut leaving = edit::leaving(changes);
    leaving.extend(strays.iter().map(|stray| &stray.path));
    let (list, limits) = (work.unkept.list(), work.config.workspace.limits());
    let mut lost: Vec<_> = list.below(&leaving, !named, &given_up, &limits).collect();
    let leaving: HashSet<_> = leaving.into_iter().collect();
    let torn = seen.torn.iter().filter(|path| lies_in(path, &leaving));
    lost.extend(torn.map(|path| spoken(path.as_str(), "a program is writing it")));
    let folder = |change: &AppliedChange| change.before == Some(ItemKind::Folder) && leaving.contains(&change.path);
    let unnamed = if seen.restless {
        Some("what programs are writing just now".to_owned())
    } else {
        list.unnamed(!named, &limits)
    };
    // In what is ignored everything is.
    let stray_folder = |stray: &Stray| stray.is_folder && !list.is_ignored(&stray.path);
    let has_folder = changes.iter().any(folder) || strays.iter().any(stray_folder);
    let unnamed = unnamed.filter(|_| has_folder).map(|what| format!("perhaps {what}"));
    match (&lost[..], unnamed) {
        ([], None) => Ok(()),
        ([], Some(unnamed)) => Err(SessionError::HoldsUnkept(unnamed)),
        (lost, None) => Err(SessionError::HoldsUnkept(enumerated(lost))),
        (lost, Some(unnamed)) => Err(SessionError::HoldsUnkept(format!("{}, and {unnamed}", enumerated(lost)))),
    }
}

fn lies_in(path: &WorkspacePath, folders: &HashSet<&WorkspacePath>) -> bool {
    path.ancestors().any(|folder| folders.contains(&folder))
}
