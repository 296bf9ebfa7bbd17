//! Table `workspace_items`: the tree of every workspace, as of the last commit.
//!
//! Reading is below, what can be written is said in [`ItemChange`], how it is decided is in `plan` (pure) and how it is done in `apply`, `write` and `group`.
//! Paths are compared byte by byte: `a`, `a-b`, `a/x`, `a0`; a folder comes before all that is in it.

mod apply;
mod group;
mod plan;
mod write;

use std::collections::HashMap;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

pub use apply::{Decided, Look, apply, look, write};
pub use group::{GroupCommit, Wish};

use super::blobs::{read_hash, signed};
use super::sessions::count;
use super::{Client, DbError};
use crate::model::{ContentHash, Extent, Item, ItemKind, Precondition, SessionId, Usage, WorkspacePath};

/// One thing to do to a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemChange {
    /// Have this here: makes it and its parents, or replaces what is there. Contents must be in `blobs` by the time it is written, or come with it.
    Put {
        /// Where.
        path: WorkspacePath,
        /// What. A folder that is there already is left alone.
        kind: ItemKind,
        /// What must be there now.
        precondition: Precondition,
    },
    /// Remove what is here, with all below.
    Remove {
        /// Where; [`ApplyError::NotFound`] when nothing is.
        path: WorkspacePath,
    },
    /// The same, but nothing being there is as good: for a batch that may come twice.
    Gone {
        /// Where.
        path: WorkspacePath,
    },
    /// Move or rename, with all below. Missing parents of the new place are made; nothing is ever replaced.
    Move {
        /// From where.
        from: WorkspacePath,
        /// To where.
        to: WorkspacePath,
    },
}

impl ItemChange {
    /// Puts something in place, whatever is there.
    #[must_use]
    pub fn put(path: WorkspacePath, kind: ItemKind) -> Self {
        Self::Put { path, kind, precondition: Precondition::None }
    }

    /// Where something changes; where to, for what moves.
    #[must_use]
    pub fn path(&self) -> &WorkspacePath {
        match self {
            Self::Put { path, .. } | Self::Remove { path } | Self::Gone { path } | Self::Move { to: path, .. } => path,
        }
    }
}

/// How much a workspace may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Files, folders and links.
    pub max_items: u64,
    /// Bytes of all files.
    pub max_bytes: u64,
}

/// What [`apply`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Every path that is not as it was, in the order of the first change to each; parents that were made and all that was in
    /// moved or removed folders included.
    pub changes: Vec<AppliedChange>,
    /// What is now at the path (`to` of a move) of each change that was asked for, in their order.
    pub items: Vec<Option<Item>>,
    /// What the workspace holds now.
    pub usage: Usage,
    /// When: the time of the versions that tell of it.
    pub at: OffsetDateTime,
}

/// A path that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedChange {
    /// Where.
    pub path: WorkspacePath,
    /// What was there.
    pub before: Option<ItemKind>,
    /// What is there.
    pub after: Option<Item>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Something else is there than was required.
    #[error("{path} is not what it was")]
    PreconditionFailed {
        /// Where.
        path: WorkspacePath,
        /// The content that is there; `None` when there is no file.
        current: Option<ContentHash>,
    },
    /// Something is there already.
    #[error("{0} exists already")]
    Exists(WorkspacePath),
    /// Nothing is there.
    #[error("{0} does not exist")]
    NotFound(WorkspacePath),
    /// Something should be put into what is no folder.
    #[error("{0} is not a folder")]
    NotFolder(WorkspacePath),
    /// A file or link should replace a folder.
    #[error("{0} is a folder")]
    IsFolder(WorkspacePath),
    /// A folder should be moved into itself.
    #[error("{0} cannot be moved into itself")]
    IntoItself(WorkspacePath),
    /// What lies in a moved folder would have no legal path, or a link has no legal target.
    #[error("{path} would be or lead to no legal path: {why}")]
    BadPath {
        /// Where it lies.
        path: WorkspacePath,
        /// The rule its new path, or the target, would break.
        why: carrel_protocol::PathError,
    },
    /// More items than the workspace may hold.
    #[error("a workspace holds at most {0} files and folders")]
    TooManyItems(u64),
    /// More bytes than the workspace may hold.
    #[error("a workspace holds at most {0} bytes")]
    TooManyBytes(u64),
    /// The session does not exist or is deleted.
    #[error("there is no such session")]
    NoSession,
    /// The database could not be asked.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Items from after `cursor` on, by path, with the cursor of the next page.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(
    client: &impl Client,
    session: SessionId,
    limit: u32,
    cursor: Option<&WorkspacePath>,
) -> Result<(Vec<Item>, Option<WorkspacePath>), DbError> {
    // All that is in a folder `p` starts with `p/` and so sorts before `p0`: folders wholly before the cursor are not entered.
    let sql = "with recursive tree as (
            select id, name as path, kind, blob_hash, size, executable, link_target, modified_at
            from workspace_items where session_id = $1 and parent_id = $1
            union all
            select i.id, t.path || '/' || i.name, i.kind, i.blob_hash, i.size, i.executable, i.link_target, i.modified_at
            from tree t join workspace_items i on i.session_id = $1 and i.parent_id = t.id
            where t.kind = 'folder' and ($2::text is null or t.path || '0' > $2::text collate \"C\"))
        select * from tree where $2::text is null or path > $2::text collate \"C\" order by path limit $3";
    let limit = limit.max(1);
    let after = cursor.map(WorkspacePath::as_str);
    // One row more than asked for tells whether there is a next page.
    let rows = client.query(sql, &[&session.0, &after, &(i64::from(limit) + 1)]).await?;
    let read = |row: &Row| item(legal(row.try_get("path")?)?, row);
    let mut items = rows.iter().take(limit as usize).map(read).collect::<Result<Vec<_>, _>>()?;
    items.shrink_to_fit();
    let next = if rows.len() > items.len() { items.last().map(|item| item.path.clone()) } else { None };
    Ok((items, next))
}

/// The whole tree, by path.
///
/// # Errors
/// When the database cannot be asked.
pub async fn all(client: &impl Client, session: SessionId) -> Result<Vec<Item>, DbError> {
    // Paths are put together here: ten times cheaper than in a recursive query.
    let sql = "select id, parent_id, name, kind, blob_hash, size, executable, link_target, modified_at
        from workspace_items where session_id = $1 and parent_id is not null";
    let rows = client.query(sql, &[&session.0]).await?;
    let mut places: HashMap<Uuid, (Uuid, &str)> = HashMap::with_capacity(rows.len());
    for row in &rows {
        places.insert(row.try_get("id")?, (row.try_get("parent_id")?, row.try_get("name")?));
    }
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut names = Vec::new();
        let mut at: Uuid = row.try_get("id")?;
        while at != session.0 {
            let (parent, name) =
                places.get(&at).ok_or_else(|| DbError::Corrupt(format!("item {at} hangs in the air")))?;
            names.push(*name);
            at = *parent;
            if names.len() > rows.len() {
                return Err(DbError::Corrupt(format!("item {at} lies in itself")));
            }
        }
        names.reverse();
        items.push(item(legal(names.join("/"))?, row)?);
    }
    items.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(items)
}

/// What is at `path`.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(client: &impl Client, session: SessionId, path: &WorkspacePath) -> Result<Option<Item>, DbError> {
    let tree = apply::walk(client, session, Some(path)).await?;
    // Nothing of it has changed, so it has a time.
    Ok(tree.and_then(|tree| tree.item(path, OffsetDateTime::UNIX_EPOCH)))
}

/// What is at each of `paths`, for those where something is.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get_many(
    client: &impl Client,
    session: SessionId,
    paths: &[WorkspacePath],
) -> Result<HashMap<WorkspacePath, ItemKind>, DbError> {
    let sql = "with recursive wanted as (
            select n, string_to_array(path, '/') as names from unnest($2::text[]) with ordinality as given (path, n)),
        walk as (
            select n, names, $1::uuid as id, null::text as kind, null::bytea as blob_hash, null::bigint as size,
                null::boolean as executable, null::text as link_target, 0 as depth from wanted
            union all
            select w.n, w.names, i.*, w.depth + 1 from walk w cross join lateral (
                select id, kind, blob_hash, size, executable, link_target from workspace_items
                where session_id = $1 and parent_id = w.id and name = w.names[w.depth + 1] collate \"C\" limit 1) as i)
        select n, kind, blob_hash, size, executable, link_target from walk where depth = cardinality(names)";
    let texts: Vec<&str> = paths.iter().map(WorkspacePath::as_str).collect();
    let rows = client.query(sql, &[&session.0, &texts]).await?;
    let read = |row: &Row| {
        let number: i64 = row.try_get(0)?;
        let path = usize::try_from(number - 1).ok().and_then(|number| paths.get(number));
        let path = path.ok_or_else(|| DbError::Corrupt("a row for a path that was not asked for".into()))?;
        Ok((path.clone(), read_kind(row)?))
    };
    rows.iter().map(read).collect()
}

/// What a workspace holds.
///
/// # Errors
/// When the database cannot be asked.
pub async fn usage(client: &impl Client, session: SessionId) -> Result<Option<Usage>, DbError> {
    let sql = "select usage_items, usage_bytes from sessions where id = $1 and state is distinct from 'deleted'";
    let Some(row) = client.query_opt(sql, &[&session.0]).await? else { return Ok(None) };
    Ok(Some(Usage { items: count(row.try_get(0)?)?, bytes: count(row.try_get(1)?)? }))
}

/// How many items a workspace has, and the bytes of its largest file.
///
/// # Errors
/// When the database cannot be asked.
pub async fn extent(client: &impl Client, session: SessionId) -> Result<Extent, DbError> {
    let sql = "select count(*), coalesce(max(size), 0) from workspace_items where session_id = $1 and id <> session_id";
    let row = client.query_one(sql, &[&session.0]).await?;
    Ok(Extent { items: count(row.try_get(0)?)?, largest_bytes: count(row.try_get(1)?)? })
}

/// Pages of `page_bytes` that a workspace's items fill, each rounded up.
///
/// # Errors
/// When the database cannot be asked.
pub async fn pages(client: &impl Client, session: SessionId, page_bytes: u64) -> Result<u64, DbError> {
    let sql = "select coalesce(sum(case kind when 'file' then (size + $2 - 1) / $2 else 1 end), 0)::bigint
        from workspace_items where session_id = $1 and id <> session_id";
    count(client.query_one(sql, &[&session.0, &signed(page_bytes)?]).await?.try_get(0)?)
}

fn item(path: WorkspacePath, row: &Row) -> Result<Item, DbError> {
    let modified_at: OffsetDateTime = row.try_get("modified_at")?;
    Ok(Item { path, kind: read_kind(row)?, modified_at })
}

fn legal(path: String) -> Result<WorkspacePath, DbError> {
    WorkspacePath::new(path).map_err(|error| DbError::Corrupt(format!("a path in the database: {error}")))
}

/// What an item is, from a row with the columns that say it.
pub(super) fn read_kind(row: &Row) -> Result<ItemKind, DbError> {
    let missing = || DbError::Corrupt("an item lacks what its kind has".into());
    match row.try_get::<_, &str>("kind")? {
        "file" => Ok(ItemKind::File {
            hash: read_hash(row.try_get::<_, Option<&[u8]>>("blob_hash")?.ok_or_else(missing)?)?,
            size: count(row.try_get("size")?)?,
            executable: row.try_get("executable")?,
        }),
        "folder" => Ok(ItemKind::Folder),
        "symlink" => Ok(ItemKind::Symlink { target: row.try_get::<_, Option<_>>("link_target")?.ok_or_else(missing)? }),
        other => Err(DbError::Corrupt(format!("an item's kind is {other:?}"))),
    }
}
