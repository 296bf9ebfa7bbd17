//! Does a list of changes to a workspace: looks at what they touch, decides (`plan`), writes the difference (`write`).
//!
//! **Invariants.** What was decided on one edition of a workspace is written on top of that edition, by who holds the session's lease, or not
//! at all: the statement that writes says both. So one may look, do what is to be done elsewhere, and write then ([`look`], [`write`],
//! [`GroupCommit`](super::GroupCommit)), or lock first and never meet another ([`apply`]): a precondition that held when it was decided holds
//! at the commit. What changes nothing is written, too, as a new edition: nothing that was decided before comes after it. Whatever the number
//! of changes, the statements are one per level of folders to read and one to write.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::plan::{Difference, Node, Tree};
use super::write::{Writing, write_all};
use super::{Applied, ApplyError, Bounds, ItemChange, read_kind};
use crate::db::leases::Lease;
use crate::db::sessions::count;
use crate::db::versions::Origin;
use crate::db::{Client, DbError, Transaction, Unavailable};
use crate::model::{Item, ItemKind, SessionId, Usage, UserId, WorkspacePath};

/// What some changes touch, as it is.
pub struct Look {
    tree: Tree,
}

impl Look {
    /// What is at `path`, which is that of a change this was made for.
    #[must_use]
    pub fn item(&self, path: &WorkspacePath) -> Option<Item> {
        // Nothing of it has changed, so it has a time.
        self.tree.item(path, OffsetDateTime::UNIX_EPOCH)
    }

    /// Does `changes`, at the paths this was made for, in their order, each seeing the ones before; or none of them.
    ///
    /// # Errors
    /// The first change that cannot be done, or bounds that the whole would break.
    pub fn decide(mut self, changes: Vec<ItemChange>, bounds: &Bounds) -> Result<Decided, ApplyError> {
        for change in &changes {
            self.tree.apply(change)?;
        }
        let difference = self.tree.finish(bounds)?;
        Ok(Decided { tree: self.tree, changes, difference })
    }
}

/// Changes that can be done, and what they come to. Nothing is written yet.
pub struct Decided {
    tree: Tree,
    changes: Vec<ItemChange>,
    pub(super) difference: Difference,
}

impl Decided {
    /// Whether anything will be as it was not before.
    #[must_use]
    pub fn changes_anything(&self) -> bool {
        !self.difference.versions.is_empty()
    }

    /// How many rows tell of it.
    pub(super) fn rows(&self) -> usize {
        let Difference { removed, altered, added, versions, .. } = &self.difference;
        removed.len() + altered.len() + added.len() + versions.len()
    }

    /// The edition of the workspace it is about.
    pub(super) fn edition(&self) -> i64 {
        self.tree.edition()
    }

    /// What there will be once it was written at `at`.
    #[must_use]
    pub fn applied(&self, at: OffsetDateTime) -> Applied {
        self.tree.applied(&self.changes, &self.difference, at)
    }
}

/// What `changes` touch. Locks nothing.
///
/// # Errors
/// [`ApplyError::NoSession`], or of the database.
pub async fn look(client: &impl Client, session: SessionId, changes: &[ItemChange]) -> Result<Look, ApplyError> {
    let tree = match changes {
        // What a save needs is one question.
        [ItemChange::Put { path, .. }] => walk(client, session, Some(path)).await?,
        _ => match walk(client, session, None).await? {
            Some(mut tree) => {
                load(client, session, &mut tree, changes).await?;
                Some(tree)
            }
            None => None,
        },
    };
    Ok(Look { tree: tree.ok_or(ApplyError::NoSession)? })
}

/// The items in the folder whose id follows. Step by step, never by a join of all: a plan that is used for every workspace must not read all
/// of one. What comes after it ends with `limit` or `offset`, for otherwise the planner makes a join of it again.
macro_rules! items_in {
    () => {
        "select id, parent_id, name, kind, blob_hash, size, executable, link_target, modified_at from workspace_items
                where session_id = $1 and parent_id = "
    };
}

/// What lies on the way from the top of a workspace to `path`, itself included.
pub(super) async fn walk(
    client: &impl Client,
    session: SessionId,
    path: Option<&WorkspacePath>,
) -> Result<Option<Tree>, DbError> {
    let sql = concat!(
        "with recursive walk as (
            select $1::uuid as id, null::uuid as parent_id, null::text collate \"C\" as name, null::text as kind,
                null::bytea as blob_hash, null::bigint as size, null::boolean as executable, null::text as link_target,
                null::timestamptz as modified_at, 0 as depth
            union all
            select i.*, w.depth + 1 from walk w cross join lateral (
                ",
        items_in!(),
        "w.id and name = ($2::text[])[w.depth + 1] collate \"C\" limit 1) as i)
        select edition, usage_items, usage_bytes, walk.* from sessions s cross join walk
        where s.id = $1 and s.state is distinct from 'deleted' order by depth"
    );
    let names: Vec<&str> = path.into_iter().flat_map(WorkspacePath::components).collect();
    let rows = client.query(sql, &[&session.0, &names]).await?;
    let Some((top, below)) = rows.split_first() else { return Ok(None) };
    let usage = Usage { items: count(top.try_get("usage_items")?)?, bytes: count(top.try_get("usage_bytes")?)? };
    let mut tree = Tree::new(session.0, top.try_get("edition")?, usage);
    for row in below {
        let (id, node) = read(row)?;
        tree.load(id, node);
    }
    Ok(Some(tree))
}

/// Does `changes` as [`Look::decide`], whoever else would write the workspace. Nothing is done until the caller commits.
///
/// # Errors
/// As [`Look::decide`], or [`DbError::LeaseLost`]. The transaction is still usable then.
pub async fn apply(
    tx: &Transaction<'_>,
    lease: &Lease,
    changes: &[ItemChange],
    origin: Origin,
    user: Option<UserId>,
    bounds: &Bounds,
) -> Result<Applied, ApplyError> {
    let session = lease.session();
    let mut tree = lock(tx, lease).await?.ok_or(ApplyError::NoSession)?;
    load(tx, session, &mut tree, changes).await?;
    let decided = Look { tree }.decide(changes.to_vec(), bounds)?;
    write_locked(tx, lease, &decided, origin, user).await
}

/// Writes what was decided in the caller's transaction; a content it needs must be stored by then.
///
/// # Errors
/// [`DbError::LeaseLost`], [`ApplyError::NoSession`], [`Unavailable::Contention`] when the workspace is not what it was: nothing is written
/// then; or of the database.
pub async fn write(
    tx: &Transaction<'_>,
    lease: &Lease,
    decided: &Decided,
    origin: Origin,
    user: Option<UserId>,
) -> Result<Applied, ApplyError> {
    lock(tx, lease).await?.ok_or(ApplyError::NoSession)?;
    write_locked(tx, lease, decided, origin, user).await
}

async fn write_locked(
    tx: &Transaction<'_>,
    lease: &Lease,
    decided: &Decided,
    origin: Origin,
    user: Option<UserId>,
) -> Result<Applied, ApplyError> {
    let written = write_all(tx, &[Writing { lease, decided, content: None, origin, user }], None).await?;
    let at = written.get(&lease.session()).ok_or_else(|| {
        let why = "the workspace has changed since this change to it was decided: try again";
        DbError::from(Unavailable::Contention(why.into()))
    })?;
    Ok(decided.applied(*at))
}

/// Takes the session's lock, which lasts until the transaction ends: nobody can take the session over before.
async fn lock(tx: &Transaction<'_>, lease: &Lease) -> Result<Option<Tree>, DbError> {
    let sql = "select usage_items, usage_bytes, fence, edition from sessions
        where id = $1 and state is distinct from 'deleted' for no key update";
    let session = lease.session();
    let Some(row) = tx.query_opt(sql, &[&session.0]).await? else { return Ok(None) };
    if row.try_get::<_, i64>(2)? != lease.fence() {
        lease.lose();
        return Err(DbError::LeaseLost);
    }
    let usage = Usage { items: count(row.try_get(0)?)?, bytes: count(row.try_get(1)?)? };
    Ok(Some(Tree::new(session.0, row.try_get(3)?, usage)))
}

/// Reads what the changes can touch.
async fn load(
    client: &impl Client,
    session: SessionId,
    tree: &mut Tree,
    changes: &[ItemChange],
) -> Result<(), DbError> {
    let mut levels: Vec<BTreeSet<WorkspacePath>> = Vec::new();
    for change in changes {
        match change {
            ItemChange::Put { path, .. } | ItemChange::Remove { path } | ItemChange::Gone { path } => {
                want(&mut levels, path);
            }
            ItemChange::Move { from, to } => {
                want(&mut levels, from);
                want(&mut levels, to);
            }
        }
    }
    let sql = concat!(
        "select i.* from unnest($2::uuid[], $3::text[]) as wanted (parent, name) cross join lateral (
            ",
        items_in!(),
        "wanted.parent and name = wanted.name collate \"C\" limit 1) as i"
    );
    for level in &levels {
        let wanted = level.iter().filter_map(|path| Some((tree.folder_of(path)?, path.name())));
        let (parents, names): (Vec<Uuid>, Vec<&str>) = wanted.unzip();
        if parents.is_empty() {
            break;
        }
        for row in client.query(sql, &[&session.0, &parents, &names]).await? {
            let (id, node) = read(&row)?;
            tree.load(id, node);
        }
    }
    load_below(client, session, tree, changes).await
}

fn want(levels: &mut Vec<BTreeSet<WorkspacePath>>, path: &WorkspacePath) {
    let mut next = Some(path.clone());
    while let Some(path) = next {
        let depth = path.components().count();
        if levels.len() < depth {
            levels.resize_with(depth, BTreeSet::new);
        }
        next = path.parent();
        if !levels[depth - 1].insert(path) {
            // Its ancestors are there, too.
            break;
        }
    }
}

/// Reads all that lies in folders that are to be removed or moved.
async fn load_below(
    client: &impl Client,
    session: SessionId,
    tree: &mut Tree,
    changes: &[ItemChange],
) -> Result<(), DbError> {
    let folders: Vec<Uuid> = changes
        .iter()
        .filter_map(|change| match change {
            ItemChange::Remove { path } | ItemChange::Gone { path } | ItemChange::Move { from: path, .. } => {
                tree.kind(path).filter(|kind| **kind == ItemKind::Folder).and_then(|_| tree.find(path))
            }
            ItemChange::Put { .. } => None,
        })
        .collect();
    if folders.is_empty() {
        return Ok(());
    }
    let sql = concat!(
        "with recursive below as (
            select i.* from unnest($2::uuid[]) as folder (id) cross join lateral (
                ",
        items_in!(),
        "folder.id offset 0) as i
            union
            select i.* from below cross join lateral (
                ",
        items_in!(),
        "below.id offset 0) as i)
        select * from below"
    );
    for row in client.query(sql, &[&session.0, &folders]).await? {
        let (id, node) = read(&row)?;
        tree.load(id, node);
    }
    Ok(())
}

fn read(row: &Row) -> Result<(Uuid, Node), DbError> {
    let node = Node {
        parent: row.try_get("parent_id")?,
        name: row.try_get("name")?,
        kind: read_kind(row)?,
        modified_at: Some(row.try_get("modified_at")?),
    };
    Ok((row.try_get("id")?, node))
}
