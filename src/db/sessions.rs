//! Table `sessions`.
//!
//! Changes of state are compare-and-set: one statement names the moves the model allows, and no row means somebody was faster. What is
//! written on a session's behalf names the fence of its [`Lease`].

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;

use super::leases::{Lease, require};
use super::templates::revision;
use super::{Client, DbError, Transaction};
use crate::model::snapshot::TemplateUse;
use crate::model::{SandboxId, Session, SessionEvent, SessionId, SessionState, TemplateId, Usage, UserId};

/// The constraint that refuses a sandbox another session has claimed.
pub const SANDBOX_KEY: &str = "sessions_sandbox_key";

/// The columns of a session; a macro because a statement's text is a constant.
macro_rules! columns {
    () => {
        "id, owner_id, name, state, reason, sandbox_id, unsaved, created_at, last_active_at, usage_items, usage_bytes, \
         deleted_at, purge_at, started_at, life_extra_seconds, template_id, template_revision, \
         (select t.title from templates t where t.id = template_id) as template_title, \
         (select t.revision from templates t where t.id = template_id) as template_newest"
    };
}
pub(super) use columns;

/// Adds a cold session with an empty workspace, unless its owner has `most` already; `None` then. The owner's row is locked until the
/// transaction ends, so that requests that come together are counted one after the other.
///
/// # Errors
/// [`DbError::Conflict`] when the id is taken or the owner is gone.
pub async fn insert(
    tx: &Transaction<'_>,
    id: SessionId,
    owner: UserId,
    name: &str,
    most: u32,
) -> Result<Option<Session>, DbError> {
    // A statement of its own: the next one has to see what those who held the lock before have committed.
    tx.execute("select from users where id = $1 for no key update", &[&owner.0]).await?;
    let sql = concat!(
        "with session as (insert into sessions (id, owner_id, name) select $1, $2, $3
            where (select count(*) from sessions s where s.owner_id = $2 and s.state <> 'deleted'
                and not exists (select from review_runs r where r.session_id = s.id)) < $4 returning ",
        columns!(),
        "), top as (insert into workspace_items (id, session_id, name, kind, modified_at)
            select id, id, '', 'folder', now() from session)
        select * from session"
    );
    tx.query_opt(sql, &[&id.0, &owner.0, &name, &i64::from(most)]).await?.as_ref().map(read).transpose()
}

/// The session with this id, unless it is deleted.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(client: &impl Client, id: SessionId) -> Result<Option<Session>, DbError> {
    let sql = concat!("select ", columns!(), " from sessions where id = $1 and state <> 'deleted'");
    client.query_opt(sql, &[&id.0]).await?.as_ref().map(read).transpose()
}

/// Sessions of a user, newest first, from after `cursor` on, with the cursor of the next page.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_owner(
    client: &impl Client,
    owner: UserId,
    limit: u32,
    cursor: Option<SessionId>,
) -> Result<(Vec<Session>, Option<SessionId>), DbError> {
    // Ids of later sessions sort later. One row more than asked for tells whether there is a next page.
    let sql = concat!(
        "select ",
        columns!(),
        " from sessions s where owner_id = $1 and state <> 'deleted'
            and not exists (select from review_runs r where r.session_id = s.id) and id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
          order by id desc limit $3"
    );
    page(client, sql, owner, limit, cursor).await
}

/// One page of what `sql` selects: by owner, from after a cursor, at most so many.
pub(super) async fn page(
    client: &impl Client,
    sql: &'static str,
    owner: UserId,
    limit: u32,
    cursor: Option<SessionId>,
) -> Result<(Vec<Session>, Option<SessionId>), DbError> {
    let limit = limit.max(1);
    let rows = client.query(sql, &[&owner.0, &cursor.map(|id| id.0), &(i64::from(limit) + 1)]).await?;
    let mut sessions = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let more = sessions.len() > limit as usize;
    sessions.truncate(limit as usize);
    let next = if more { sessions.last().map(|session| session.id) } else { None };
    Ok((sessions, next))
}

/// Gives a session another name; `None` when there is no such session.
///
/// # Errors
/// [`DbError::LeaseLost`], or when the database cannot be asked.
pub async fn rename(client: &impl Client, lease: &Lease, name: &str) -> Result<Option<Session>, DbError> {
    let sql = concat!(
        "update sessions set name = $3 where id = $1 and fence = $2 and state <> 'deleted' returning ",
        columns!()
    );
    let row = client.query_opt(sql, &[&lease.session().0, &lease.fence(), &name]).await?;
    found(client, lease, row).await
}

/// Does to a session what `event` means in the state it is in; `None` when it means nothing there. One that becomes cold has no sandbox
/// any more, unless that has left something; one that fails keeps it, since it may hold what the database does not have yet.
///
/// # Errors
/// [`DbError::LeaseLost`], or when the database cannot be asked.
pub async fn transition(
    client: &impl Client,
    lease: &Lease,
    event: SessionEvent,
    reason: Option<&str>,
) -> Result<Option<Session>, DbError> {
    move_on(client, lease, event, reason, None).await
}

/// Makes a session cold whose sandbox has left `unsaved` on its volume; `None` as for [`transition`].
///
/// # Errors
/// [`DbError::LeaseLost`], or when the database cannot be asked.
pub async fn park(
    client: &impl Client,
    lease: &Lease,
    reason: Option<&str>,
    unsaved: &str,
) -> Result<Option<Session>, DbError> {
    move_on(client, lease, SessionEvent::SandboxKept, reason, Some(unsaved)).await
}

async fn move_on(
    client: &impl Client,
    lease: &Lease,
    event: SessionEvent,
    reason: Option<&str>,
    unsaved: Option<&str>,
) -> Result<Option<Session>, DbError> {
    // All that is looked at again on what another statement has just written; the row of a join would not be.
    let sql = concat!(
        "update sessions set state = $3, reason = $4, version = version + 1,
             deleted_at = case when $3::text = 'deleted' then now() end,
             sandbox_id = case when $3::text <> 'cold' or $6 then sandbox_id end,
             unsaved = case when $3::text not in ('cold', 'ready') or $3::text = 'cold' and $6 then coalesce($7, unsaved) end,
             started_at = case when $3::text = 'starting' then now() else started_at end,
             life_extra_seconds = case when $3::text = 'starting' then 0 else life_extra_seconds end
         where id = $1 and fence = $5 and state = any($2) returning ",
        columns!()
    );
    let (from, to): (Vec<&str>, Vec<&str>) =
        SessionState::moves(event).into_iter().map(|(from, to)| (from.as_str(), to.as_str())).unzip();
    // Every event leads to one state.
    let Some(to) = to.first() else { return Ok(None) };
    let keeps = event == SessionEvent::SandboxKept;
    let row =
        client.query_opt(sql, &[&lease.session().0, &from, to, &reason, &lease.fence(), &keeps, &unsaved]).await?;
    found(client, lease, row).await
}

/// Notes that a session has claimed a sandbox. `false` when it is gone or has another.
///
/// # Errors
/// [`DbError::Conflict`] with [`SANDBOX_KEY`] when another session has that sandbox; [`DbError::LeaseLost`].
pub async fn claim_sandbox(client: &impl Client, lease: &Lease, sandbox: SandboxId) -> Result<bool, DbError> {
    let sql = "update sessions set sandbox_id = $2, version = version + 1
        where id = $1 and fence = $3 and state <> 'deleted' and (sandbox_id is null or sandbox_id = $2)";
    let touched = client.execute(sql, &[&lease.session().0, &sandbox.0, &lease.fence()]).await?;
    done(client, lease, touched).await
}

/// Notes that a session no longer has this sandbox. `false` when it had another or none.
///
/// # Errors
/// [`DbError::LeaseLost`], or when the database cannot be asked.
pub async fn release_sandbox(client: &impl Client, lease: &Lease, sandbox: SandboxId) -> Result<bool, DbError> {
    let sql = "update sessions set sandbox_id = null, unsaved = null, version = version + 1
        where id = $1 and fence = $3 and sandbox_id = $2";
    let touched = client.execute(sql, &[&lease.session().0, &sandbox.0, &lease.fence()]).await?;
    done(client, lease, touched).await
}

/// Notes that a session was used at `at`.
///
/// # Errors
/// When the database cannot be asked.
pub async fn touch(client: &impl Client, id: SessionId, at: OffsetDateTime) -> Result<(), DbError> {
    let sql = "update sessions set last_active_at = $2 where id = $1 and last_active_at < $2";
    client.execute(sql, &[&id.0, &at]).await.map(drop)
}

/// Notes what a session's user was granted beyond its maximum life.
///
/// # Errors
/// [`DbError::LeaseLost`], or when the database cannot be asked.
pub async fn grant(client: &impl Client, lease: &Lease, granted: Duration) -> Result<(), DbError> {
    let seconds = i32::try_from(granted.as_secs()).unwrap_or(i32::MAX);
    let sql = "update sessions set life_extra_seconds = $2 where id = $1 and fence = $3";
    let touched = client.execute(sql, &[&lease.session().0, &seconds, &lease.fence()]).await?;
    done(client, lease, touched).await.map(drop)
}

/// Sessions a starting server has to look after: those with a sandbox (deleted ones, too) or on the way to or from one.
///
/// # Errors
/// When the database cannot be asked.
pub async fn live(client: &impl Client) -> Result<Vec<Session>, DbError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from sessions where sandbox_id is not null or state in ('starting', 'ready', 'stopping') order by id"
    );
    client.query(sql, &[]).await?.iter().map(read).collect()
}

/// Deletes a session for its user, who can have it back for so many days, but for one that runs a round; its sandbox, if any, is still to be released. `false` when
/// there was none.
///
/// # Errors
/// [`DbError::LeaseLost`], or when the database cannot be asked.
pub async fn mark_deleted(client: &impl Client, lease: &Lease, days: u32) -> Result<bool, DbError> {
    let sql = "update sessions set state = 'deleted', reason = null, deleted_at = now(),
            purge_at = now() + make_interval(days => case when exists (select from review_runs where session_id = $1) then 0 else $3 end), version = version + 1
        where id = $1 and fence = $2 and state <> 'deleted'";
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let touched = client.execute(sql, &[&lease.session().0, &lease.fence(), &days]).await?;
    done(client, lease, touched).await
}

/// What a fenced statement has returned; nothing, for want of the lease, is an error.
pub(super) async fn found(client: &impl Client, lease: &Lease, row: Option<Row>) -> Result<Option<Session>, DbError> {
    if row.is_none() {
        require(client, lease).await?;
    }
    row.as_ref().map(read).transpose()
}

/// Whether a fenced statement has touched something; nothing, for want of the lease, is an error.
async fn done(client: &impl Client, lease: &Lease, touched: u64) -> Result<bool, DbError> {
    if touched == 0 {
        require(client, lease).await?;
    }
    Ok(touched > 0)
}

pub(super) fn read(row: &Row) -> Result<Session, DbError> {
    let state: &str = row.try_get("state")?;
    Ok(Session {
        id: SessionId(row.try_get("id")?),
        owner: UserId(row.try_get("owner_id")?),
        name: row.try_get("name")?,
        state: SessionState::from_name(state)
            .ok_or_else(|| DbError::Corrupt(format!("a session's state is {state:?}")))?,
        reason: row.try_get("reason")?,
        sandbox: row.try_get::<_, Option<_>>("sandbox_id")?.map(SandboxId),
        unsaved: row.try_get("unsaved")?,
        created_at: row.try_get("created_at")?,
        last_active_at: row.try_get("last_active_at")?,
        usage: Usage { items: count(row.try_get("usage_items")?)?, bytes: count(row.try_get("usage_bytes")?)? },
        deleted_at: row.try_get("deleted_at")?,
        purge_at: row.try_get("purge_at")?,
        started_at: row.try_get("started_at")?,
        granted: Duration::from_secs(count(row.try_get::<_, i32>("life_extra_seconds")?.into())?),
        template: template(row)?,
        ending: None,
    })
}

fn template(row: &Row) -> Result<Option<TemplateUse>, DbError> {
    let Some(id) = row.try_get::<_, Option<_>>("template_id")? else { return Ok(None) };
    Ok(Some(TemplateUse {
        id: TemplateId(id),
        title: row.try_get("template_title")?,
        revision: revision(row.try_get("template_revision")?)?,
        newest: revision(row.try_get("template_newest")?)?,
    }))
}

/// A number that cannot be negative.
pub(super) fn count(number: i64) -> Result<u64, DbError> {
    u64::try_from(number).map_err(|_| DbError::Corrupt(format!("a count is {number}")))
}
