//! Several changes at once: planned, decided on what the database holds, then done in the sandbox, if it lives, then committed together.
//!
//! Nothing is replaced or removed in a live sandbox that the database has not seen, unless it is named: what programs have written is
//! collected first.

use std::collections::HashSet;

use carrel_protocol::{Expect, Request};
use time::OffsetDateTime;

use super::bundle::{self, Copies};
use super::intent::{self, Plan};
use super::stray::{self, Stray};
use super::told::Told;
use super::{Work, lost};
use crate::actors::api::SessionError;
use crate::actors::edits::{EditFiles, Edited, Intent};
use crate::db::items::{self, Applied, AppliedChange, Decided};
use crate::db::{Connection, templates};
use crate::link::{AgentLink, LinkError};
use crate::model::{Item, ItemKind, WorkspacePath};

/// More changes than this are written through the lane of bulk work, so that they hold up nobody's single save.
const FEW: usize = 64;

/// Carries out what is wanted. The second answer tells whether the sandbox may have been changed.
pub(super) async fn carry_out(
    work: &Work,
    told: &Told,
    link: Option<&AgentLink>,
    edit: EditFiles,
) -> (Result<Edited, SessionError>, bool) {
    let mut begun = false;
    let result = try_carry_out(work, told, link, edit, &mut begun).await;
    (result, begun)
}

async fn try_carry_out(
    work: &Work,
    told: &Told,
    link: Option<&AgentLink>,
    mut edit: EditFiles,
    begun: &mut bool,
) -> Result<Edited, SessionError> {
    let planned = plan(work, &edit).await;
    let Some(link) = link else { return commit(work, &edit, planned?, Vec::new()).await };
    let (planned, strays) = match planned {
        Ok(planned) if !edit.intent.is_decided_later() && !planned.meets_what_is_there() => (planned, Vec::new()),
        Err(error) if !may_be_unknown(&edit.intent, &error) => return Err(error),
        // A time, or a template, speaks of everything: what programs have changed since may be in the way without being known.
        _ => {
            let seen = lost::look(work, told, link, &edit.intent).await?;
            let strays = stray::take_out(work, link, &mut edit.intent).await?;
            let planned = plan(work, &edit).await?;
            lost::refuse(work, &edit.intent, &planned.applied.changes, &strays, &seen)?;
            (planned, strays)
        }
    };
    *begun = true;
    let conflict_copies = put_in_place(work, link, &planned.applied.changes).await?;
    for (path, copy) in &conflict_copies {
        work.warn(format!("{path} was changed by a program at the same time; its version is kept as {copy}"));
    }
    let edited = commit(work, &edit, planned, conflict_copies).await?;
    // Last, since nobody can have it back: all else has been done by then.
    stray::remove(work, link, &strays).await?;
    Ok(Edited { strays: strays.into_iter().map(|Stray { path, .. }| path).collect(), ..edited })
}

/// Whether what was not found may be there nevertheless: made a moment ago, or only in the sandbox.
fn may_be_unknown(intent: &Intent, error: &SessionError) -> bool {
    matches!((intent, error), (Intent::Remove { .. }, SessionError::NoItem))
}

/// What is to be done, and what comes of it.
struct Planned {
    plan: Plan,
    decided: Decided,
    applied: Applied,
}

impl Planned {
    /// Whether anything is there already, be it just what is wanted: a program may have changed it since it was collected.
    fn meets_what_is_there(&self) -> bool {
        let changes = &self.applied.changes;
        let touched: HashSet<_> = changes.iter().map(|change| &change.path).collect();
        changes.iter().any(|change| change.before.is_some())
            || self.plan.changes.iter().any(|change| !touched.contains(change.path()))
    }
}

async fn plan(work: &Work, edit: &EditFiles) -> Result<Planned, SessionError> {
    let connection = work.db.bulk().await?;
    let plan = intent::plan(&connection, work.session, &edit.intent).await?;
    let decided = work.decide(&connection, plan.changes.clone()).await?;
    let applied = decided.applied(OffsetDateTime::now_utc());
    Ok(Planned { plan, decided, applied })
}

async fn commit(
    work: &Work,
    edit: &EditFiles,
    Planned { plan, decided, .. }: Planned,
    conflict_copies: Copies,
) -> Result<Edited, SessionError> {
    let mut connection = lane(work, plan.changes.len()).await?;
    let transaction = connection.transaction().await?;
    let applied = items::write(&transaction, &work.lease, &decided, plan.origin, Some(edit.user)).await?;
    if let Some(revision) = plan.revision {
        templates::note_update(&transaction, work.session, revision).await?;
    }
    transaction.commit().await?;
    work.tell_tree(applied.changes.clone());
    let Applied { changes, items, at, .. } = applied;
    Ok(Edited { at, changes, items, strays: Vec::new(), conflict_copies, conflicts: plan.conflicts })
}

async fn lane(work: &Work, changes: usize) -> Result<Connection, SessionError> {
    Ok(if changes > FEW { work.db.bulk().await? } else { work.db.interactive().await? })
}

/// Makes the sandbox what these changes make of the database: first what goes, then folders, files, and links last, so that no file is ever
/// written through one.
async fn put_in_place(work: &Work, link: &AgentLink, changes: &[AppliedChange]) -> Result<Copies, SessionError> {
    let refused = |_: &WorkspacePath, error: LinkError| error.into();
    let removing = leaving(changes).into_iter().cloned();
    bundle::command(link, removing.map(|path| (path.clone(), Request::Remove { path })), refused).await?;
    let after = || changes.iter().filter_map(|change| change.after.as_ref());
    let folders = after().filter(|item| item.kind == ItemKind::Folder).map(|item| item.path.clone());
    bundle::command(link, folders.map(|path| (path.clone(), Request::MakeFolder { path })), refused).await?;
    let files = changes.iter().filter_map(file).collect();
    let copies = bundle::place(work, link, files, refused, |_| ()).await?;
    let links = after().filter_map(|Item { path, kind, .. }| match kind {
        ItemKind::Symlink { target } => {
            Some((path.clone(), Request::MakeSymlink { path: path.clone(), target: target.clone() }))
        }
        _ => None,
    });
    bundle::command(link, links, refused).await?;
    Ok(copies)
}

/// What must be gone before anything is put in place, topmost only: what is removed, and what becomes of another kind.
pub(super) fn leaving(changes: &[AppliedChange]) -> Vec<&WorkspacePath> {
    let is_other = |change: &&AppliedChange| {
        let after = change.after.as_ref().map(|item| std::mem::discriminant(&item.kind));
        change.before.as_ref().is_some_and(|before| after != Some(std::mem::discriminant(before)))
    };
    let all: HashSet<_> = changes.iter().filter(is_other).map(|change| &change.path).collect();
    let covered = |path: &WorkspacePath| path.ancestors().any(|folder| all.contains(&folder));
    let mut topmost: Vec<_> = all.iter().filter(|path| !covered(path)).copied().collect();
    topmost.sort_unstable();
    topmost
}

/// A file that is to be written, and what is believed to be there.
fn file(change: &AppliedChange) -> Option<(Item, Expect)> {
    let item = change.after.as_ref().filter(|item| matches!(item.kind, ItemKind::File { .. }))?;
    let before = change.before.as_ref().and_then(ItemKind::hash);
    Some((item.clone(), before.map_or(Expect::Absent, |hash| Expect::Content(hash.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, before: Option<ItemKind>, after: Option<ItemKind>) -> AppliedChange {
        let path = WorkspacePath::new(path).expect(path);
        let modified_at = OffsetDateTime::UNIX_EPOCH;
        AppliedChange { after: after.map(|kind| Item { path: path.clone(), kind, modified_at }), path, before }
    }

    #[test]
    fn only_the_topmost_of_what_goes_or_becomes_another_kind_leaves() {
        let link = || Some(ItemKind::Symlink { target: "x".into() });
        let changes = [
            change("d", Some(ItemKind::Folder), None),
            change("d/e", Some(ItemKind::Folder), None),
            change("d/e/l", link(), None),
            change("l", link(), Some(ItemKind::Folder)),
            change("m", link(), Some(ItemKind::Symlink { target: "y".into() })),
            change("new", None, Some(ItemKind::Folder)),
            change("d-e", link(), None),
        ];
        let leaving: Vec<_> = leaving(&changes).into_iter().map(WorkspacePath::as_str).collect();
        assert_eq!(leaving, ["d", "d-e", "l"]);
    }
}
