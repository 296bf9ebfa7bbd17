//! Does a list of changes to a workspace in the caller's transaction.
//!
//! **Invariants.** The session's row is locked first: changes to one workspace happen one list after the other, each seeing what the
//! one before has committed, so a precondition that holds here holds at the commit. Whatever the number of changes, the statements
//! are one per level of folders to read and one to write. Usage changes in the same statement as the items it counts.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::plan::{Difference, NewVersion, Node, Tree};
use super::{Applied, ApplyError, Bounds, ItemChange, read_kind};
use crate::db::blobs::signed;
use crate::db::leases::Lease;
use crate::db::sessions::count;
use crate::db::versions::Origin;
use crate::db::{Client, DbError, Transaction};
use crate::model::{ItemKind, SessionId, Usage, UserId, WorkspacePath};

/// Does `changes` in their order, each seeing the ones before; or none of them. Nothing is done until the caller commits.
///
/// # Errors
/// The first change that cannot be done, bounds that the whole would break, or [`DbError::LeaseLost`]. The transaction is still usable then.
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
    let difference = decide(tx, session, &mut tree, changes, bounds).await?;
    if !difference.versions.is_empty() {
        write(tx, session, &difference, origin, user).await?;
    }
    Ok(applied(&tree, changes, difference))
}

/// What [`apply`] would do now, and whether it would: for a change that is first carried out elsewhere. Locks and writes nothing.
///
/// # Errors
/// As [`apply`], but for the lease.
pub async fn rehearse(
    client: &impl Client,
    session: SessionId,
    changes: &[ItemChange],
    bounds: &Bounds,
) -> Result<Applied, ApplyError> {
    let usage = super::usage(client, session).await?.ok_or(ApplyError::NoSession)?;
    let mut tree = Tree::new(session.0, OffsetDateTime::now_utc(), usage);
    let difference = decide(client, session, &mut tree, changes, bounds).await?;
    Ok(applied(&tree, changes, difference))
}

async fn decide(
    client: &impl Client,
    session: SessionId,
    tree: &mut Tree,
    changes: &[ItemChange],
    bounds: &Bounds,
) -> Result<Difference, ApplyError> {
    load(client, session, tree, changes).await?;
    for change in changes {
        tree.apply(change)?;
    }
    tree.finish(bounds)
}

fn applied(tree: &Tree, changes: &[ItemChange], difference: Difference) -> Applied {
    let items = changes.iter().map(|change| tree.item(change.path()));
    Applied { items: items.collect(), changes: difference.changes, usage: difference.usage, at: tree.now() }
}

/// Takes the session's lock, which lasts until the transaction ends: nobody can take the session over before.
async fn lock(tx: &Transaction<'_>, lease: &Lease) -> Result<Option<Tree>, DbError> {
    let sql = "select usage_items, usage_bytes, clock_timestamp(), fence from sessions
        where id = $1 and state <> 'deleted' for no key update";
    let session = lease.session();
    let Some(row) = tx.query_opt(sql, &[&session.0]).await? else { return Ok(None) };
    if row.try_get::<_, i64>(3)? != lease.fence() {
        lease.lose();
        return Err(DbError::LeaseLost);
    }
    let usage = Usage { items: count(row.try_get(0)?)?, bytes: count(row.try_get(1)?)? };
    Ok(Some(Tree::new(session.0, row.try_get(2)?, usage)))
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
    let sql =
        "select i.id, i.parent_id, i.name, i.kind, i.blob_hash, i.size, i.executable, i.link_target, i.modified_at
        from unnest($2::uuid[], $3::text[]) as wanted (parent, name)
        join workspace_items i on i.session_id = $1 and i.parent_id = wanted.parent and i.name = wanted.name collate \"C\"";
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
                tree.item(path).filter(|item| item.kind == ItemKind::Folder).and_then(|_| tree.find(path))
            }
            ItemChange::Put { .. } => None,
        })
        .collect();
    if folders.is_empty() {
        return Ok(());
    }
    let sql = "with recursive below as (
            select id from workspace_items where session_id = $1 and parent_id = any($2)
            union
            select i.id from below join workspace_items i on i.session_id = $1 and i.parent_id = below.id)
        select i.id, i.parent_id, i.name, i.kind, i.blob_hash, i.size, i.executable, i.link_target, i.modified_at
        from below join workspace_items i using (id)";
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
        modified_at: row.try_get("modified_at")?,
    };
    Ok((row.try_get("id")?, node))
}

/// Writes the difference in one statement: constraints are checked at its end, so no order of rows can offend them.
async fn write(
    tx: &Transaction<'_>,
    session: SessionId,
    difference: &Difference,
    origin: Origin,
    user: Option<UserId>,
) -> Result<(), DbError> {
    let sql = "with removed as (
            delete from workspace_items where id = any($2) and session_id = $1),
        altered as (
            update workspace_items i set parent_id = c.parent_id, name = c.name, kind = c.kind, blob_hash = c.blob_hash,
                size = c.size, executable = c.executable, link_target = c.link_target, modified_at = c.modified_at
            from unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bytea[], $8::bigint[], $9::boolean[],
                    $10::text[], $11::timestamptz[])
                as c (id, parent_id, name, kind, blob_hash, size, executable, link_target, modified_at)
            where i.id = c.id and i.session_id = $1),
        added as (
            insert into workspace_items (session_id, id, parent_id, name, kind, blob_hash, size, executable, link_target,
                modified_at)
            select $1, * from unnest($12::uuid[], $13::uuid[], $14::text[], $15::text[], $16::bytea[], $17::bigint[],
                $18::boolean[], $19::text[], $20::timestamptz[])),
        noted as (
            insert into workspace_versions (session_id, path, change, other_path, kind, blob_hash, size, executable,
                link_target, origin, user_id, at)
            select $1, v.path, v.change, v.other_path, v.kind, v.blob_hash, v.size, v.executable, v.link_target, $29, $30,
                statement_timestamp()
            from unnest($21::text[], $22::text[], $23::text[], $24::text[], $25::bytea[], $26::bigint[], $27::boolean[],
                    $28::text[]) with ordinality
                as v (path, change, other_path, kind, blob_hash, size, executable, link_target, place)
            order by v.place)
        update sessions set usage_items = $31, usage_bytes = $32 where id = $1";
    let altered = Columns::of(difference.altered.iter().map(|(_, node)| &node.kind))?;
    let added = Columns::of(difference.added.iter().map(|(_, node)| &node.kind))?;
    let noted = Columns::of(difference.versions.iter().map(|version| &version.kind))?;
    let altered_at = Places::of(&difference.altered);
    let added_at = Places::of(&difference.added);
    let paths: Vec<&str> = difference.versions.iter().map(|version| version.path.as_str()).collect();
    let changes: Vec<&str> = difference.versions.iter().map(|version| version.change.as_str()).collect();
    let others: Vec<Option<&str>> = difference.versions.iter().map(NewVersion::other_path).collect();
    let (items, bytes) = (signed(difference.usage.items)?, signed(difference.usage.bytes)?);
    let (origin, user) = (origin.as_str(), user.map(|user| user.0));
    tx.execute(
        sql,
        &[
            &session.0,
            &difference.removed,
            &altered_at.ids,
            &altered_at.parents,
            &altered_at.names,
            &altered.kinds,
            &altered.hashes,
            &altered.sizes,
            &altered.executables,
            &altered.targets,
            &altered_at.times,
            &added_at.ids,
            &added_at.parents,
            &added_at.names,
            &added.kinds,
            &added.hashes,
            &added.sizes,
            &added.executables,
            &added.targets,
            &added_at.times,
            &paths,
            &changes,
            &others,
            &noted.kinds,
            &noted.hashes,
            &noted.sizes,
            &noted.executables,
            &noted.targets,
            &origin,
            &user,
            &items,
            &bytes,
        ],
    )
    .await
    .map(drop)
}

impl NewVersion {
    fn other_path(&self) -> Option<&str> {
        self.change.other_path()
    }
}

/// Where items hang, column by column.
struct Places<'a> {
    ids: Vec<Uuid>,
    parents: Vec<Uuid>,
    names: Vec<&'a str>,
    times: Vec<OffsetDateTime>,
}

impl<'a> Places<'a> {
    fn of(nodes: &'a [(Uuid, Node)]) -> Self {
        Self {
            ids: nodes.iter().map(|(id, _)| *id).collect(),
            parents: nodes.iter().map(|(_, node)| node.parent).collect(),
            names: nodes.iter().map(|(_, node)| node.name.as_str()).collect(),
            times: nodes.iter().map(|(_, node)| node.modified_at).collect(),
        }
    }
}

/// What items are, column by column.
#[derive(Default)]
struct Columns<'a> {
    kinds: Vec<&'static str>,
    hashes: Vec<Option<&'a [u8]>>,
    sizes: Vec<i64>,
    executables: Vec<bool>,
    targets: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn of(kinds: impl Iterator<Item = &'a ItemKind>) -> Result<Self, DbError> {
        let mut columns = Self::default();
        for kind in kinds {
            let (name, hash, executable, target) = match kind {
                ItemKind::File { hash, executable, .. } => ("file", Some(hash.0.as_slice()), *executable, None),
                ItemKind::Folder => ("folder", None, false, None),
                ItemKind::Symlink { target } => ("symlink", None, false, Some(target.as_str())),
            };
            columns.kinds.push(name);
            columns.hashes.push(hash);
            columns.sizes.push(signed(kind.size())?);
            columns.executables.push(executable);
            columns.targets.push(target);
        }
        Ok(columns)
    }
}
