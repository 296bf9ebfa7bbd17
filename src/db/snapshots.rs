//! Tables `snapshots` and `snapshot_items`: what a workspace held when it was frozen.

use std::collections::HashMap;

use tokio_postgres::Row;

use super::blobs::remove_unused;
use super::items::read_kind;
use super::past::legal;
use super::sessions::count;
use super::{Client, DbError, Transaction};
use crate::model::snapshot::Snapshot;
use crate::model::{ContentHash, ItemKind, SessionId, SnapshotId, WorkspacePath};

/// Freezes what `session` holds, as of the last commit, under `name`; as a snapshot of its own when `kept`.
///
/// # Errors
/// When the database cannot be asked.
pub(super) async fn freeze(
    client: &impl Client,
    id: SnapshotId,
    session: SessionId,
    name: &str,
    kept: bool,
) -> Result<Snapshot, DbError> {
    let sql = "with recursive tree as (
            select id, name as path, kind, blob_hash, size, executable, link_target
            from workspace_items where session_id = $2 and parent_id = $2
            union all
            select i.id, t.path || '/' || i.name, i.kind, i.blob_hash, i.size, i.executable, i.link_target
            from tree t join workspace_items i on i.session_id = $2 and i.parent_id = t.id where t.kind = 'folder'),
        frozen as (
            insert into snapshot_items (snapshot_id, path, kind, blob_hash, size, executable, link_target)
            select $1::uuid, path, kind, blob_hash, size, executable, link_target from tree returning size)
        insert into snapshots (id, session_id, name, items, bytes)
        select $1, case when $4::boolean then $2::uuid end, $3, count(*), coalesce(sum(size), 0)::bigint from frozen
        returning id, name, items, bytes, created_at";
    read(&client.query_one(sql, &[&id.0, &session.0, &name, &kept]).await?)
}

/// Freezes what a session holds as a snapshot of its own, unless it has `most` already; `None` then, as when it is deleted.
///
/// # Errors
/// When the database cannot be asked.
pub async fn add(tx: &Transaction<'_>, session: SessionId, name: &str, most: u32) -> Result<Option<Snapshot>, DbError> {
    // A statement of its own: those who held the lock before are counted.
    let lock = "select from sessions where id = $1 and state <> 'deleted' for no key update";
    if tx.query_opt(lock, &[&session.0]).await?.is_none() {
        return Ok(None);
    }
    let there: i64 =
        tx.query_one("select count(*) from snapshots where session_id = $1", &[&session.0]).await?.try_get(0)?;
    if there >= i64::from(most) {
        return Ok(None);
    }
    freeze(tx, SnapshotId::new(), session, name, true).await.map(Some)
}

/// A session's snapshots, newest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_session(client: &impl Client, session: SessionId) -> Result<Vec<Snapshot>, DbError> {
    let sql = "select id, name, items, bytes, created_at from snapshots where session_id = $1 order by id desc";
    client.query(sql, &[&session.0]).await?.iter().map(read).collect()
}

/// Whose snapshot this is; `None` when it is no session's.
///
/// # Errors
/// When the database cannot be asked.
pub async fn session_of(client: &impl Client, id: SnapshotId) -> Result<Option<SessionId>, DbError> {
    let row = client.query_opt("select session_id from snapshots where id = $1", &[&id.0]).await?;
    Ok(row.map(|row| row.try_get::<_, Option<_>>(0)).transpose()?.flatten().map(SessionId))
}

/// What is in a snapshot.
///
/// # Errors
/// When the database cannot be asked.
pub async fn items(client: &impl Client, id: SnapshotId) -> Result<HashMap<WorkspacePath, ItemKind>, DbError> {
    let sql = "select path, kind, blob_hash, size, executable, link_target from snapshot_items where snapshot_id = $1";
    let rows = client.query(sql, &[&id.0]).await?;
    rows.iter().map(|row| Ok((legal(row.try_get("path")?)?, read_kind(row)?))).collect()
}

/// What is in a snapshot from after `cursor` on, by path; one more than asked for where there is more.
///
/// # Errors
/// When the database cannot be asked.
pub async fn page(
    client: &impl Client,
    id: SnapshotId,
    limit: u32,
    cursor: Option<&WorkspacePath>,
) -> Result<Vec<(WorkspacePath, ItemKind)>, DbError> {
    let sql = "select path, kind, blob_hash, size, executable, link_target from snapshot_items
        where snapshot_id = $1 and path > coalesce($2::text, '') collate \"C\" order by path limit $3";
    let rows = client.query(sql, &[&id.0, &cursor.map(WorkspacePath::as_str), &(i64::from(limit) + 1)]).await?;
    rows.iter().map(|row| Ok((legal(row.try_get("path")?)?, read_kind(row)?))).collect()
}

/// What is at `path` in a snapshot.
///
/// # Errors
/// When the database cannot be asked.
pub async fn item(client: &impl Client, id: SnapshotId, path: &WorkspacePath) -> Result<Option<ItemKind>, DbError> {
    let sql = "select kind, blob_hash, size, executable, link_target from snapshot_items where snapshot_id = $1 and path = $2";
    client.query_opt(sql, &[&id.0, &path.as_str()]).await?.as_ref().map(read_kind).transpose()
}

/// What is at these paths of these snapshots; those where nothing is are left out.
///
/// # Errors
/// When the database cannot be asked.
pub async fn kinds(
    client: &impl Client,
    spots: &[(SnapshotId, WorkspacePath)],
) -> Result<HashMap<(SnapshotId, WorkspacePath), ItemKind>, DbError> {
    let (ids, paths): (Vec<_>, Vec<_>) = spots.iter().map(|(id, path)| (id.0, path.as_str())).unzip();
    let sql = "select i.snapshot_id, i.path, i.kind, i.blob_hash, i.size, i.executable, i.link_target
        from unnest($1::uuid[], $2::text[]) as s (id, path) join snapshot_items i on i.snapshot_id = s.id and i.path = s.path";
    let rows = client.query(sql, &[&ids, &paths]).await?;
    let read = |row: &Row| Ok(((SnapshotId(row.try_get(0)?), legal(row.try_get("path")?)?), read_kind(row)?));
    rows.iter().map(read).collect()
}

/// Which of these contents `to` has at paths at which `from` had nothing, the first by path of each first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn come(
    client: &impl Client,
    from: SnapshotId,
    to: SnapshotId,
    contents: &[ContentHash],
) -> Result<Vec<(ContentHash, WorkspacePath)>, DbError> {
    let hashes: Vec<&[u8]> = contents.iter().map(|hash| hash.0.as_slice()).collect();
    let sql = "select n.kind, n.blob_hash, n.size, n.executable, n.link_target, n.path from snapshot_items n
        where n.snapshot_id = $2 and n.blob_hash = any($3)
            and not exists (select from snapshot_items o where o.snapshot_id = $1 and o.path = n.path) order by n.path";
    let rows = client.query(sql, &[&from.0, &to.0, &hashes]).await?;
    let read = |row: &Row| Ok(read_kind(row)?.hash().zip(Some(legal(row.try_get("path")?)?)));
    rows.iter().map(read).filter_map(Result::transpose).collect()
}

/// Removes a snapshot of a session, and its contents nobody else refers to. `false` when there is none.
///
/// # Errors
/// When the database cannot be asked; and [`DbError::is_swept_content`] when somebody has just saved one of them.
pub async fn remove(tx: &Transaction<'_>, session: SessionId, id: SnapshotId) -> Result<bool, DbError> {
    let sql = "select from snapshots where id = $1 and session_id = $2 for update";
    if tx.query_opt(sql, &[&id.0, &session.0]).await?.is_none() {
        return Ok(false);
    }
    discard(tx, &[id.0]).await?;
    Ok(true)
}

/// Removes these snapshots, whose ever they are.
pub(super) async fn discard(tx: &Transaction<'_>, ids: &[uuid::Uuid]) -> Result<(), DbError> {
    let sql = "delete from snapshot_items where snapshot_id = any($1) returning blob_hash";
    let held = tx.query(sql, &[&ids]).await?;
    tx.execute("delete from snapshots where id = any($1)", &[&ids]).await?;
    remove_unused(tx, &held).await
}

fn read(row: &Row) -> Result<Snapshot, DbError> {
    Ok(Snapshot {
        id: SnapshotId(row.try_get("id")?),
        name: row.try_get("name")?,
        items: count(row.try_get("items")?)?,
        bytes: count(row.try_get("bytes")?)?,
        created_at: row.try_get("created_at")?,
    })
}
