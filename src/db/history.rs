//! How long versions of table `workspace_versions` are kept.
//!
//! **Invariant**: what a workspace holds now is never touched, only how it came to be; a content goes only when nobody refers to it.

use std::time::Duration;

use super::blobs::remove_unused;
use super::{Client, DbError, Transaction};
use crate::model::SessionId;

/// Versions removed in one transaction, so that the longest history cannot outlast a statement's deadline.
pub const PART: i64 = 5000;

/// What is kept of a history.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Every version of this age is kept …
    pub all: Duration,
    /// … of older ones, up to this age, the last of each path in each hour …
    pub hourly: Duration,
    /// … and of those beyond, up to this age, the last in each day; `None` keeps these for ever.
    pub daily: Option<Duration>,
    /// Bytes, as stored, of all contents of one history together with what they are stored as the difference to, and [`ROW`] more for each of its versions.
    pub bytes: u64,
}

/// What a version weighs beside its content: more than its row takes, so that a bound on bytes is one on their number, too.
const ROW: i64 = 4096;

/// Takes a session's history for this transaction; `false` when another server is at it.
async fn take(tx: &Transaction<'_>, session: SessionId) -> Result<bool, DbError> {
    let sql = "select pg_try_advisory_xact_lock(hashtextextended('carrel history ' || $1::uuid::text, 0))";
    Ok(tx.query_one(sql, &[&session.0]).await?.try_get(0)?)
}

/// Removes up to [`PART`] versions of a session that are older than they need be; how many it were.
///
/// # Errors
/// When the database cannot be asked; and [`DbError::is_swept_content`] when somebody has just saved a content that was about to go:
/// nothing was removed, and the next attempt finds it in use.
pub async fn thin(tx: &Transaction<'_>, session: SessionId, retention: &Retention) -> Result<usize, DbError> {
    if !take(tx, session).await? {
        return Ok(0);
    }
    let sql = "with aged as (
            select id, path, change, at, now() - at as age from workspace_versions
            where session_id = $1 and at < now() - make_interval(secs => $2)
        ), ranked as (
            select id, age, row_number() over newest_first as place,
                -- What came again in the same hour was there before: without this its past would begin there.
                change in ('removed', 'moved_away')
                    and lag(change) over newest_first in ('created', 'moved_here') as came_again
            from aged
            window newest_first as (
                partition by path, age > make_interval(secs => $3),
                    date_trunc(case when age > make_interval(secs => $3) then 'day' else 'hour' end, at, 'UTC')
                order by id desc
            )
        )
        delete from workspace_versions where id in (
            select id from ranked
            where place > 2 or place = 2 and came_again is not true or age > make_interval(secs => $4)
            limit $5
        ) returning blob_hash";
    let daily = retention.daily.map(|age| age.as_secs_f64());
    let (all, hourly) = (retention.all.as_secs_f64(), retention.hourly.as_secs_f64());
    let removed = tx.query(sql, &[&session.0, &all, &hourly, &daily, &PART]).await?;
    remove_unused(tx, &removed).await?;
    Ok(removed.len())
}

/// Removes up to [`PART`] versions of a session whose history weighs more than it may; how many it were. Each path gives what it has in
/// excess of the others, oldest first: a program that rewrites one large file again and again costs no other file its history.
///
/// # Errors
/// As [`thin`].
pub async fn fit(tx: &Transaction<'_>, session: SessionId, retention: &Retention) -> Result<usize, DbError> {
    if !take(tx, session).await? {
        return Ok(0);
    }
    let sql = "with weighed as (
            select v.id, v.path, $4::bigint + case
                -- A content weighs once, where it was last; what several are the difference to as well, where it was last needed.
                when row_number() over (partition by coalesce(b.base_hash, b.hash) order by v.id desc) = 1
                then coalesce(octet_length(whole.encoded), 0) else 0
            end + case
                when b.base_hash is not null and row_number() over (partition by b.hash order by v.id desc) = 1
                then octet_length(b.encoded) else 0
            end as bytes
            from workspace_versions v
            left join blobs b on b.hash = v.blob_hash
            left join blobs whole on whole.hash = coalesce(b.base_hash, b.hash)
            where v.session_id = $1
        ), of_path as (
            select id, bytes, sum(bytes) over (partition by path order by id desc) as so_far from weighed
        ), of_all as (
            select id, bytes, sum(bytes) over (order by so_far, id desc) as so_far from of_path
        )
        delete from workspace_versions where id in (
            select id from of_all where so_far > $2::bigint order by so_far desc limit $3
        ) returning blob_hash";
    let bytes = i64::try_from(retention.bytes).unwrap_or(i64::MAX);
    let removed = tx.query(sql, &[&session.0, &bytes, &PART, &ROW]).await?;
    remove_unused(tx, &removed).await?;
    Ok(removed.len())
}

/// The newest version of all.
///
/// # Errors
/// When the database cannot be asked.
pub async fn newest(client: &impl Client) -> Result<i64, DbError> {
    Ok(client.query_one("select coalesce(max(id), 0) from workspace_versions", &[]).await?.try_get(0)?)
}

/// The sessions that have versions after `since`, up to `until`.
///
/// # Errors
/// When the database cannot be asked.
pub async fn changed(client: &impl Client, since: i64, until: i64) -> Result<Vec<SessionId>, DbError> {
    let sql = "select distinct session_id from workspace_versions where id > $1 and id <= $2";
    let rows = client.query(sql, &[&since, &until]).await?;
    rows.iter().map(|row| Ok(SessionId(row.try_get(0)?))).collect()
}

/// At most `most` sessions with a history, in the order of their ids, from after `cursor` on.
///
/// # Errors
/// When the database cannot be asked.
pub async fn sessions(client: &impl Client, cursor: Option<SessionId>, most: u32) -> Result<Vec<SessionId>, DbError> {
    let sql = "select id from sessions where id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
        and exists (select from workspace_versions where session_id = sessions.id) order by id limit $2";
    let rows = client.query(sql, &[&cursor.map(|id| id.0), &i64::from(most)]).await?;
    rows.iter().map(|row| Ok(SessionId(row.try_get(0)?))).collect()
}
