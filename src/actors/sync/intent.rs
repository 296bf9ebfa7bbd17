//! From what a user wants of several files to the changes that bring it about, as of now.

use std::collections::HashMap;

use super::template::{self, Manifest};
use crate::actors::api::SessionError;
use crate::actors::edits::{Conflict, Intent, MAX_CHANGES};
use crate::db::items::{self, ItemChange};
use crate::db::versions::{self, Origin};
use crate::db::{Client, past, snapshots, templates};
use crate::model::{ItemKind, SessionId, WorkspacePath};

/// What is to be done.
pub(super) struct Plan {
    pub(super) changes: Vec<ItemChange>,
    pub(super) origin: Origin,
    /// What both the user and the template have changed.
    pub(super) conflicts: Vec<Conflict>,
    /// The template's revision the workspace has then.
    pub(super) revision: Option<u32>,
}

impl Plan {
    fn restoring(changes: Vec<ItemChange>) -> Self {
        Self { changes, origin: Origin::Restore, conflicts: Vec::new(), revision: None }
    }
}

/// What brings about what is wanted.
pub(super) async fn plan(client: &impl Client, session: SessionId, intent: &Intent) -> Result<Plan, SessionError> {
    Ok(match intent {
        Intent::Changes { changes, .. } if changes.len() > MAX_CHANGES => return Err(SessionError::Internal),
        Intent::Changes { changes, origin } => Plan { origin: *origin, ..Plan::restoring(changes.clone()) },
        Intent::Remove { paths, .. } if paths.len() > MAX_CHANGES => return Err(SessionError::Internal),
        Intent::Remove { paths, .. } => {
            let changes = paths.iter().map(|path| ItemChange::Remove { path: path.clone() }).collect();
            Plan { origin: Origin::Editor, ..Plan::restoring(changes) }
        }
        Intent::Copy { from, to } => {
            Plan { origin: Origin::Editor, ..Plan::restoring(copy(client, session, from, to).await?) }
        }
        Intent::AsOf { path, at } => {
            let then = past::tree(client, session, path.as_ref(), *at).await?;
            let then = then.into_iter().map(|item| (item.path, item.kind)).collect();
            Plan::restoring(difference(&below(client, session, path.as_ref()).await?, &then))
        }
        Intent::Version { path, version } => Plan::restoring(version_of(client, session, path, *version).await?),
        Intent::Undelete { path } => Plan::restoring(undelete(client, session, path).await?),
        Intent::Template => {
            let Some((had, new, revision)) = templates::of_session(client, session).await? else {
                return Err(SessionError::NoItem);
            };
            let (had, new) = (snapshots::items(client, had).await?, snapshots::items(client, new).await?);
            let now = below(client, session, None).await?;
            let updated = template::update(&now, &had, &new, revision);
            let plan = Plan::restoring(difference(&now, &updated.then));
            Plan { conflicts: updated.conflicts, revision: Some(revision), ..plan }
        }
    })
}

async fn version_of(
    client: &impl Client,
    session: SessionId,
    path: &WorkspacePath,
    version: i64,
) -> Result<Vec<ItemChange>, SessionError> {
    let version = versions::get(client, session, path, version).await?.ok_or(SessionError::NoItem)?;
    let there = items::get(client, session, path).await?.map(|item| item.kind);
    // What is in a folder would go with it.
    if there == Some(ItemKind::Folder) && version.kind != ItemKind::Folder {
        return Err(SessionError::IsFolder);
    }
    let now = there.map(|kind| (path.clone(), kind)).into_iter().collect();
    Ok(difference(&now, &HashMap::from([(path.clone(), version.kind)])))
}

async fn undelete(
    client: &impl Client,
    session: SessionId,
    path: &WorkspacePath,
) -> Result<Vec<ItemChange>, SessionError> {
    if items::get(client, session, path).await?.is_some() {
        return Err(SessionError::Exists);
    }
    let gone = versions::removed_last(client, session, path).await?;
    if gone.is_empty() {
        return Err(SessionError::NoItem);
    }
    Ok(gone.into_iter().map(|(path, kind)| ItemChange::put(path, kind)).collect())
}

async fn copy(
    client: &impl Client,
    session: SessionId,
    from: &WorkspacePath,
    to: &WorkspacePath,
) -> Result<Vec<ItemChange>, SessionError> {
    let all = below(client, session, Some(from)).await?;
    if all.is_empty() {
        return Err(SessionError::NoItem);
    }
    if to.is_within(from) {
        return Err(if to == from { SessionError::Exists } else { SessionError::IntoItself });
    }
    if items::get(client, session, to).await?.is_some() {
        return Err(SessionError::Exists);
    }
    let mut copies = Vec::with_capacity(all.len());
    for (path, kind) in all {
        let Some(place) = path.rebased(from, to) else { continue };
        let place = place.map_err(|why| SessionError::BadPath { path, why })?;
        copies.push((place, kind));
    }
    // Its top first, which is what is answered.
    copies.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(copies.into_iter().map(|(path, kind)| ItemChange::put(path, kind)).collect())
}

/// What there is at a path and below it, or in the whole workspace.
async fn below(
    client: &impl Client,
    session: SessionId,
    path: Option<&WorkspacePath>,
) -> Result<Manifest, SessionError> {
    let all = items::all(client, session).await?.into_iter();
    let wanted = all.filter(|item| path.is_none_or(|path| item.path.is_within(path)));
    Ok(wanted.map(|item| (item.path, item.kind)).collect())
}

/// The changes that make `then` of `now`.
fn difference(now: &Manifest, then: &Manifest) -> Vec<ItemChange> {
    // A folder cannot become anything else by being replaced, nor anything else a folder.
    let goes = |path: &WorkspacePath, kind: &ItemKind| {
        then.get(path).is_none_or(|then| (*then == ItemKind::Folder) != (*kind == ItemKind::Folder))
    };
    let mut gone: Vec<_> = now.iter().filter(|(path, kind)| goes(path, kind)).map(|(path, _)| path).collect();
    gone.sort_unstable();
    let mut puts: Vec<_> = then.iter().filter(|(path, kind)| now.get(*path) != Some(kind)).collect();
    puts.sort_unstable_by_key(|(path, _)| *path);
    let gone = gone.into_iter().map(|path| ItemChange::Gone { path: path.clone() });
    gone.chain(puts.into_iter().map(|(path, kind)| ItemChange::put(path.clone(), kind.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContentHash;

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::new(text).expect(text)
    }

    fn file(content: &str) -> ItemKind {
        ItemKind::File { hash: ContentHash::of(content.as_bytes()), size: content.len() as u64, executable: false }
    }

    fn tree(items: &[(&str, ItemKind)]) -> Manifest {
        items.iter().map(|(name, kind)| (path(name), kind.clone())).collect()
    }

    #[test]
    fn a_difference_removes_before_it_puts_and_leaves_the_rest_alone() {
        let now = tree(&[
            ("same", file("1")),
            ("changed", file("1")),
            ("new", file("1")),
            ("was-folder", file("1")),
            ("was-file", ItemKind::Folder),
            ("was-file/new", file("1")),
        ]);
        let then = tree(&[
            ("same", file("1")),
            ("changed", file("2")),
            ("was-folder", ItemKind::Folder),
            ("was-folder/old", file("3")),
            ("was-file", file("4")),
        ]);
        let gone = |name| ItemChange::Gone { path: path(name) };
        let expected = [
            gone("new"),
            gone("was-file"),
            gone("was-file/new"),
            gone("was-folder"),
            ItemChange::put(path("changed"), file("2")),
            ItemChange::put(path("was-file"), file("4")),
            ItemChange::put(path("was-folder"), ItemKind::Folder),
            ItemChange::put(path("was-folder/old"), file("3")),
        ];
        assert_eq!(difference(&now, &then), expected);
        assert!(difference(&then, &then).is_empty());
    }
}
