//! A workspace as it was at a time, from its versions.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use super::items::{self, read_kind};
use super::{Client, DbError};
use crate::model::{Item, ItemKind, SessionId, WorkspacePath};

/// The condition for versions of a path (the second parameter) and all below, or of everything.
macro_rules! within {
    () => {
        "($2::text is null or path = $2::text collate \"C\"
            or (path > $2::text || '/' collate \"C\" and path < $2::text || '0' collate \"C\"))"
    };
}
pub(super) use within;

/// What there was at `at`, by path: at `path` and below it, or in the whole workspace. Of something whose versions of that time are no
/// longer kept the nearest that is known is taken: the first version after that, or else what there is.
///
/// # Errors
/// When the database cannot be asked.
pub async fn tree(
    client: &impl Client,
    session: SessionId,
    path: Option<&WorkspacePath>,
    at: OffsetDateTime,
) -> Result<Vec<Item>, DbError> {
    let within = path.map(WorkspacePath::as_str);
    let last = concat!(
        "select distinct on (path) path, change, kind, blob_hash, size, executable, link_target, at
        from workspace_versions where session_id = $1 and at <= $3 and ",
        within!(),
        " order by path, id desc"
    );
    let mut then = HashMap::new();
    for row in client.query(last, &[&session.0, &within, &at]).await? {
        let path = legal(row.try_get("path")?)?;
        let there = !matches!(row.try_get("change")?, "removed" | "moved_away");
        let item = Item { path: path.clone(), kind: read_kind(&row)?, modified_at: row.try_get("at")? };
        then.insert(path, there.then_some(item));
    }
    let first = concat!(
        "select distinct on (path) path, change, kind, blob_hash, size, executable, link_target
        from workspace_versions where session_id = $1 and at > $3 and ",
        within!(),
        " order by path, id"
    );
    for row in client.query(first, &[&session.0, &within, &at]).await? {
        let path = legal(row.try_get("path")?)?;
        // What changed or went later was there: as it was when it went, or as it became first.
        let new = matches!(row.try_get("change")?, "created" | "moved_here");
        let item = Item { path: path.clone(), kind: read_kind(&row)?, modified_at: at };
        then.entry(path).or_insert((!new).then_some(item));
    }
    for item in items::all(client, session).await? {
        if path.is_none_or(|path| item.path.is_within(path)) {
            then.entry(item.path.clone()).or_insert(Some(item));
        }
    }
    Ok(whole(then.into_values().flatten()))
}

/// The items by path, without those below what is no folder: a history that was thinned may know of both.
fn whole(items: impl Iterator<Item = Item>) -> Vec<Item> {
    let mut sorted: Vec<Item> = items.collect();
    sorted.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let solid = sorted.iter().filter(|item| item.kind != ItemKind::Folder).map(|item| item.path.clone());
    let solid: HashSet<_> = solid.collect();
    sorted.retain(|item| !item.path.ancestors().any(|above| solid.contains(&above)));
    sorted
}

pub(super) fn legal(text: String) -> Result<WorkspacePath, DbError> {
    WorkspacePath::new(text).map_err(|error| DbError::Corrupt(format!("a path in a version: {error}")))
}
