//! Deleted rows of table `sessions`: listed, had back, and in the end purged.
//!
//! **Invariants**: a row comes back only when it names no sandbox. It goes only when its `purge_at` is over and its sandbox is gone. Its
//! items and versions go with it, and those of its contents nobody else refers to: constraints see to it that no other is lost.

use super::leases::Lease;
use super::sessions::{self, columns};
use super::{Client, Db, DbError, Transaction, blobs, history, snapshots};
use crate::model::{Session, SessionEvent, SessionId, SessionState, UserId};

/// A deleted session that can still be had back.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(client: &impl Client, id: SessionId) -> Result<Option<Session>, DbError> {
    let sql = concat!("select ", columns!(), " from sessions where id = $1 and state = 'deleted' and purge_at > now()");
    client.query_opt(sql, &[&id.0]).await?.as_ref().map(sessions::read).transpose()
}

/// A user's deleted sessions that can still be had back, newest first, from after `cursor` on, with the cursor of the next page.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_owner(
    client: &impl Client,
    owner: UserId,
    limit: u32,
    cursor: Option<SessionId>,
) -> Result<(Vec<Session>, Option<SessionId>), DbError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from sessions where owner_id = $1 and state = 'deleted' and purge_at > now()
            and id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by id desc limit $3"
    );
    sessions::page(client, sql, owner, limit, cursor).await
}

/// What became of a wish to have a session back.
#[derive(Debug)]
pub enum Undeleted {
    /// It is back, and cold.
    Back(Box<Session>),
    /// There is no such deleted session any more.
    Gone,
    /// Its owner has as many as they may.
    Limit,
    /// It still names a sandbox, which has to go first.
    Running,
}

/// Takes a deletion back, unless the owner has `most` sessions already. The owner's row is locked until the transaction ends, so that
/// requests that come together are counted one after the other.
///
/// # Errors
/// [`DbError::LeaseLost`], or when the database cannot be asked.
pub async fn undelete(tx: &Transaction<'_>, lease: &Lease, most: u32) -> Result<Undeleted, DbError> {
    let id = lease.session();
    let Some(session) = get(tx, id).await? else { return Ok(Undeleted::Gone) };
    if session.sandbox.is_some() {
        return Ok(Undeleted::Running);
    }
    tx.execute("select from users where id = $1 for no key update", &[&session.owner.0]).await?;
    let count = "select count(*) from sessions s where s.owner_id = $1 and s.state <> 'deleted'
        and not exists (select from review_runs r where r.session_id = s.id)";
    let there: i64 = tx.query_one(count, &[&session.owner.0]).await?.try_get(0)?;
    if there >= i64::from(most) {
        return Ok(Undeleted::Limit);
    }
    let Some(target) = SessionState::Deleted.apply(SessionEvent::Undelete) else { return Ok(Undeleted::Gone) };
    let sql = concat!(
        "update sessions set state = $2, reason = null, deleted_at = null, purge_at = null, last_active_at = now(),
            version = version + 1
         where id = $1 and fence = $3 and state = 'deleted' and purge_at > now() and sandbox_id is null returning ",
        columns!()
    );
    let row = tx.query_opt(sql, &[&id.0, &target.as_str(), &lease.fence()]).await?;
    match sessions::found(tx, lease, row).await? {
        Some(session) => Ok(Undeleted::Back(Box::new(session))),
        None => Ok(Undeleted::Gone),
    }
}

/// How long after its `purge_at` a row goes although it still names a sandbox: one that runs was found to be nobody's long before.
const SANDBOX_GRACE: &str = "1 hour";

/// Removes for good at most `most` sessions that are due; how many it were.
///
/// # Errors
/// As [`purge_part`]; what was removed before stays removed.
pub async fn purge(db: &Db, most: usize) -> Result<usize, DbError> {
    let mut connection = db.bulk().await?;
    let mut count = 0;
    while count < most {
        let transaction = connection.transaction().await?;
        let purged = purge_part(&transaction).await?;
        transaction.commit().await?;
        match purged {
            Purged::Nothing => break,
            Purged::Part => {}
            Purged::Session(id) => {
                tracing::debug!(session.id = %id, "purged a deleted session");
                count += 1;
            }
        }
    }
    Ok(count)
}

/// What one transaction of a purge removed.
enum Purged {
    /// None is due.
    Nothing,
    /// Some of a session's history, or one of its snapshots.
    Part,
    /// A session and the rest of what was its own.
    Session(SessionId),
}

/// Removes for good some history of the session that has been due longest, or one of its snapshots, or, when none is left, the session with its files. Two servers
/// never take the same.
///
/// # Errors
/// When the database cannot be asked; and [`DbError::is_swept_content`] when somebody has just saved a content that was about to go:
/// nothing was removed, and the next attempt finds it in use.
async fn purge_part(tx: &Transaction<'_>) -> Result<Purged, DbError> {
    let sql = "select id from sessions where state = 'deleted' and purge_at <= now()
            and (sandbox_id is null or purge_at < now() - $1::text::interval)
        order by purge_at limit 1 for update skip locked";
    let Some(row) = tx.query_opt(sql, &[&SANDBOX_GRACE]).await? else { return Ok(Purged::Nothing) };
    let id = SessionId(row.try_get(0)?);
    let sql =
        "delete from workspace_versions where id in (select id from workspace_versions where session_id = $1 limit $2)
        returning blob_hash";
    let versions = tx.query(sql, &[&id.0, &history::PART]).await?;
    if !versions.is_empty() {
        blobs::remove_unused(tx, &versions).await?;
        return Ok(Purged::Part);
    }
    if let Some(row) = tx.query_opt("select id from snapshots where session_id = $1 limit 1", &[&id.0]).await? {
        snapshots::discard(tx, &[row.try_get(0)?]).await?;
        return Ok(Purged::Part);
    }
    let held = tx.query("select blob_hash from workspace_items where session_id = $1", &[&id.0]).await?;
    tx.execute("delete from sessions where id = $1", &[&id.0]).await?;
    blobs::remove_unused(tx, &held).await?;
    Ok(Purged::Session(id))
}
