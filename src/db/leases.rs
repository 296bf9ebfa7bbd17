//! Table `servers`, and who of them serves a session.
//!
//! ```text
//!   free ──▶ held by a server that is heard ──▶ held by one that is silent ──▶ free for any other
//!    ▲            │  ▲                                  │
//!    └─ release ──┘  └────────── its heartbeat ─────────┘
//! ```
//!
//! **Invariants**: taking a session raises its `fence` in the same statement that makes it ours, so that two never both have it. What is
//! written on a session's behalf names the fence in its own statement or under the session's lock in its own transaction: a server that was
//! asleep while another took over writes nothing. All times are the database's. A server may be taken for dead only by one that was itself
//! heard for as long: when the database comes back after an outage everybody has been silent.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::{Client, DbError, Unavailable};
use crate::model::{SandboxId, ServerId, SessionId};

/// The right to serve a session and to write on its behalf. Cheap to clone; all clones learn together that it is lost.
#[derive(Clone, Debug)]
pub struct Lease {
    session: SessionId,
    fence: i64,
    lost: CancellationToken,
}

impl Lease {
    /// As the database has given it. A session that nobody has ever taken has fence 0.
    #[must_use]
    pub fn new(session: SessionId, fence: i64) -> Self {
        Self { session, fence, lost: CancellationToken::new() }
    }

    /// Of which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The number that what is written names.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }

    /// Ends when it is known to be lost.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Whether it is known to be lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Notes that it is lost.
    pub fn lose(&self) {
        self.lost.cancel();
    }
}

/// What came of asking for a session.
#[derive(Debug)]
pub enum Acquired {
    /// It is ours.
    Held(Lease),
    /// Another server has it, and is heard.
    Elsewhere {
        /// Where people reach that server.
        url: String,
    },
    /// There is no such session, not even a deleted one.
    NoSession,
}

/// Notes that a server begins to run: who it is, where people reach it, how long its leases last without a heartbeat. Gives the time that
/// tells this run from others.
///
/// # Errors
/// When the database cannot be asked.
pub async fn register(
    client: &impl Client,
    server: ServerId,
    url: &str,
    lease: Duration,
) -> Result<OffsetDateTime, DbError> {
    let sql = "insert into servers (id, url, lease, started_at, heartbeat_at, steady_since)
        values ($1, $2, $3 * interval '1 millisecond', clock_timestamp(), now(), now())
        on conflict (id) do update set url = excluded.url, lease = excluded.lease, started_at = excluded.started_at,
            heartbeat_at = excluded.heartbeat_at, steady_since = excluded.steady_since
        returning started_at";
    let millis = lease.as_secs_f64() * 1000.0;
    client.query_one(sql, &[&server.0, &url, &millis]).await?.try_get(0).map_err(Into::into)
}

/// Says that this run of a server is there. `false` when another run has registered since.
///
/// # Errors
/// When the database cannot be asked.
pub async fn beat(client: &impl Client, server: ServerId, started_at: OffsetDateTime) -> Result<bool, DbError> {
    let sql = "update servers set heartbeat_at = now(),
            steady_since = case when heartbeat_at + lease < now() then now() else steady_since end
        where id = $1 and started_at = $2";
    Ok(client.execute(sql, &[&server.0, &started_at]).await? > 0)
}

/// Forgets servers that nobody has heard of for a month; their sessions are free.
///
/// # Errors
/// When the database cannot be asked.
pub async fn forget_silent(client: &impl Client) -> Result<u64, DbError> {
    client.execute("delete from servers where heartbeat_at < now() - interval '30 days'", &[]).await
}

/// Takes a session for `server` (which is registered): one that is free, its own already, or of a server that is silent.
///
/// # Errors
/// When the database cannot be asked.
pub async fn acquire(client: &impl Client, server: ServerId, session: SessionId) -> Result<Acquired, DbError> {
    // Where somebody else was faster the condition is looked at again on what he has written; a server that this statement cannot see yet
    // has only just come, and is not silent.
    let sql = "update sessions s set fence = s.fence + 1, lease_server = $2
        where s.id = $1 and (s.lease_server is null or s.lease_server = $2 or exists (
            select from servers other, servers me where other.id = s.lease_server and me.id = $2
                and other.heartbeat_at + other.lease < now() and me.steady_since + other.lease < now()))
        returning s.fence";
    if let Some(row) = client.query_opt(sql, &[&session.0, &server.0]).await? {
        return Ok(Acquired::Held(Lease::new(session, row.try_get(0)?)));
    }
    let sql =
        "select server.url from sessions s left join servers server on server.id = s.lease_server where s.id = $1";
    match client.query_opt(sql, &[&session.0]).await? {
        None => Ok(Acquired::NoSession),
        Some(row) => match row.try_get(0)? {
            Some(url) => Ok(Acquired::Elsewhere { url }),
            // Given up between the two looks.
            None => Err(Unavailable::Contention("another server has just let go of the session".into()).into()),
        },
    }
}

/// Gives a session back that has no sandbox. One that has keeps its lease until its server has been silent for long: it lies in that
/// server's engine.
///
/// # Errors
/// When the database cannot be asked.
pub async fn release(client: &impl Client, lease: &Lease) -> Result<(), DbError> {
    let sql = "update sessions set lease_server = null where id = $1 and fence = $2 and sandbox_id is null";
    client.execute(sql, &[&lease.session.0, &lease.fence]).await.map(drop)
}

/// Gives back everything of `server` that has no sandbox: it stops.
///
/// # Errors
/// When the database cannot be asked.
pub async fn release_all(client: &impl Client, server: ServerId) -> Result<(), DbError> {
    let sql = "update sessions set lease_server = null where lease_server = $1 and sandbox_id is null";
    client.execute(sql, &[&server.0]).await.map(drop)
}

/// The sessions `server` has, each with its fence.
///
/// # Errors
/// When the database cannot be asked.
pub async fn held(client: &impl Client, server: ServerId) -> Result<Vec<(SessionId, i64)>, DbError> {
    let rows = client.query("select id, fence from sessions where lease_server = $1", &[&server.0]).await?;
    rows.iter().map(|row| Ok((SessionId(row.try_get(0)?), row.try_get(1)?))).collect()
}

/// Sessions with a sandbox, or on their way to or from one, that `server` has to look after: its own, free ones, and those of a silent server
/// whose sandbox is among `found`. Other silent servers' sandboxes are in other engines; who asks for such a session takes it over.
///
/// # Errors
/// When the database cannot be asked.
pub async fn to_look_after(
    client: &impl Client,
    server: ServerId,
    found: &[SandboxId],
) -> Result<Vec<SessionId>, DbError> {
    let sql = "select id from sessions s
        where (sandbox_id is not null or state in ('starting', 'ready', 'stopping')) and state <> 'deleted'
            and (lease_server is null or lease_server = $1 or sandbox_id = any($2) and exists (
                select from servers other where other.id = s.lease_server and other.heartbeat_at + other.lease < now()))
        order by id";
    let found: Vec<_> = found.iter().map(|sandbox| sandbox.0).collect();
    let rows = client.query(sql, &[&server.0, &found]).await?;
    rows.iter().map(|row| Ok(SessionId(row.try_get(0)?))).collect()
}

/// To be called when a statement that names `lease`'s fence has touched nothing: was it for that?
///
/// # Errors
/// [`DbError::LeaseLost`] when another server has the session, or it is gone for good; the lease is then known to be lost.
pub(super) async fn require(client: &impl Client, lease: &Lease) -> Result<(), DbError> {
    let row = client.query_opt("select fence from sessions where id = $1", &[&lease.session.0]).await?;
    let fence: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    if fence == Some(lease.fence) {
        return Ok(());
    }
    lease.lose();
    Err(DbError::LeaseLost)
}
