//! Deleted rows of table `sessions`: listed, had back, and in the end purged.
//!
//! **Invariant**: a row goes only when its `purge_at` is over and it has no sandbox, and takes its items, versions and notes along. What its
//! contents weigh is given back by [`super::blobs`].

use super::sessions::{self, columns};
use super::{Client, DbError, Transaction};
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
            and ($2::uuid is null or id < $2) order by id desc limit $3"
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
}

/// Takes a deletion back, unless the owner has `most` sessions already. The owner's row is locked until the transaction ends, so that
/// requests that come together are counted one after the other.
///
/// # Errors
/// When the database cannot be asked.
pub async fn undelete(tx: &Transaction<'_>, id: SessionId, most: u32) -> Result<Undeleted, DbError> {
    let Some(session) = get(tx, id).await? else { return Ok(Undeleted::Gone) };
    tx.execute("select from users where id = $1 for no key update", &[&session.owner.0]).await?;
    let count = "select count(*) from sessions where owner_id = $1 and state <> 'deleted'";
    let there: i64 = tx.query_one(count, &[&session.owner.0]).await?.try_get(0)?;
    if there >= i64::from(most) {
        return Ok(Undeleted::Limit);
    }
    let Some(target) = SessionState::Deleted.apply(SessionEvent::Undelete) else { return Ok(Undeleted::Gone) };
    let sql = concat!(
        "update sessions set state = $2, reason = null, deleted_at = null, purge_at = null, last_active_at = now(),
            version = version + 1
         where id = $1 and state = 'deleted' and purge_at > now() returning ",
        columns!()
    );
    match tx.query_opt(sql, &[&id.0, &target.as_str()]).await? {
        Some(row) => Ok(Undeleted::Back(Box::new(sessions::read(&row)?))),
        None => Ok(Undeleted::Gone),
    }
}
