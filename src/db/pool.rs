//! The pool: two lanes of connections, so that a burst of file changes can never keep a keystroke-time query waiting.
//!
//! ```text
//!  Db ─┬─ interactive ─ waiting line ─ bb8 ─┬─ Physical ─ driver task ── PostgreSQL
//!      └─ bulk ──────── waiting line ─ bb8 ─┘
//! ```
//!
//! **Invariants.** Every wait ends: a checkout by its deadline, a statement by the server's clock or, should the server be stuck, by
//! ours. A line that is full refuses at once. A connection that was dropped in the middle of something is thrown away, never handed
//! to the next. A restart of PostgreSQL costs callers a wait, not an error, as long as it is shorter than their deadline.
//!
//! A pool lives on the runtime that made it: make it in `App`, not in a handler.

mod apart;
mod connection;
mod lane;
mod manager;
mod physical;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_util::sync::CancellationToken;

pub use apart::Apart;
pub use connection::{Client, Connection, Params, Transaction};
pub use lane::LaneFigures;

use self::lane::Lane;
use self::manager::Manager;
use super::error::with_causes;
use super::{DbError, Unavailable};
use crate::config::DatabaseConfig;
use crate::model::backoff::Backoff;

/// The oldest PostgreSQL that has everything `schema.sql` and our statements use.
const OLDEST_SERVER: i32 = 130_000;
/// Pauses while a server that is just starting refuses the first connection.
const FIRST_CONNECT: Backoff = Backoff { first: Duration::from_millis(20), most: Duration::from_millis(500) };
/// What to do without TLS.
const NO_TLS: &str = "database.url asks for TLS (sslmode=require), which Carrel does not support yet: \
    use a local socket, a private network or a tunnel, and remove sslmode from the URL";
/// More bytes than these are moved by a connection for batches.
const INTERACTIVE_BYTES: u64 = 1024 * 1024;
/// How long [`Db::close`] waits for connections in use.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The database.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    /// Opens connections outside the lanes.
    manager: Manager,
    interactive: Lane,
    bulk: Lane,
    closing: CancellationToken,
    durability: Durability,
}

/// What both lanes are doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// For requests.
    pub interactive: LaneFigures,
    /// For batches.
    pub bulk: LaneFigures,
}

/// Whether a commit that was answered survives a crash of the server's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// The setting `fsync`.
    pub fsync: String,
    /// The setting `synchronous_commit`.
    pub synchronous_commit: String,
    /// The setting `full_page_writes`.
    pub full_page_writes: String,
}

impl Durability {
    /// Whether it does.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.fsync == "on" && self.full_page_writes == "on" && self.synchronous_commit != "off"
    }
}

impl Db {
    /// Connects to `url` (`postgres://user@host1,host2/name`) and looks whether the server is fit. Waits for a server that is just
    /// starting as long as a checkout may wait.
    ///
    /// # Errors
    /// A bad URL, a server that cannot be reached or is too old, a database that is not UTF-8.
    pub async fn connect(config: &DatabaseConfig, url: &str) -> Result<Self, DbError> {
        let parsed: Config = url
            .parse()
            .map_err(|e| DbError::Unsuitable(format!("database.url cannot be read: {}", with_causes(&e))))?;
        if parsed.get_ssl_mode() == SslMode::Require {
            return Err(DbError::Unsuitable(NO_TLS.into()));
        }
        let closing = CancellationToken::new();
        let checkout = Duration::from_millis(config.checkout_timeout_ms.max(1));
        let manager = Manager::new(
            parsed,
            Duration::from_millis(config.connect_timeout_ms.max(1)),
            Duration::from_millis(config.statement_timeout_ms.max(1)),
            closing.clone(),
        );
        let repeating = manager.another().planning_once();
        let first = first_connection(&repeating, checkout).await?;
        let durability = inspect(&first).await?;
        if !durability.is_full() {
            tracing::warn!(?durability, "this PostgreSQL may lose acknowledged changes in a crash");
        }
        let line = config.waiting_line;
        let bulk = Lane::new("bulk", manager.another(), config.bulk_connections.max(1), line, checkout, None);
        let size = config.interactive_connections.max(1);
        let interactive = Lane::new("interactive", repeating, size, line, checkout, Some(first));
        Ok(Self(Arc::new(Shared { manager, interactive, bulk, closing, durability })))
    }

    /// A connection for what somebody is waiting for.
    ///
    /// # Errors
    /// [`DbError::Unavailable`]: a full line, none in time, or the pool is closed.
    pub async fn interactive(&self) -> Result<Connection, DbError> {
        self.0.interactive.checkout().await
    }

    /// A connection for what moves many files.
    ///
    /// # Errors
    /// As [`Db::interactive`].
    pub async fn bulk(&self) -> Result<Connection, DbError> {
        self.0.bulk.checkout().await
    }

    /// A connection for what somebody is waiting for and moves so many bytes: much holds up nobody who waits for little.
    ///
    /// # Errors
    /// As [`Db::interactive`].
    pub async fn for_bytes(&self, bytes: u64) -> Result<Connection, DbError> {
        if bytes > INTERACTIVE_BYTES { self.bulk().await } else { self.interactive().await }
    }

    /// A connection outside the lanes, opened now.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn apart(&self) -> Result<Apart, DbError> {
        self.0.manager.open().await.map(Apart)
    }

    /// What the lanes are doing.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures { interactive: self.0.interactive.figures(), bulk: self.0.bulk.figures() }
    }

    /// How safe commits were when we connected.
    #[must_use]
    pub fn durability(&self) -> &Durability {
        &self.0.durability
    }

    /// Whether the database answers just now; for `/readyz`.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.interactive().await?.query_one("select 1", &[]).await.map(drop)
    }

    /// Refuses new checkouts, waits a little for those in use and closes all connections. Idempotent.
    pub async fn close(&self) {
        self.0.closing.cancel();
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        tokio::join!(self.0.interactive.close(deadline), self.0.bulk.close(deadline));
    }
}

async fn first_connection(manager: &Manager, patience: Duration) -> Result<physical::Physical, DbError> {
    let deadline = Instant::now() + patience;
    let mut attempt = 0;
    loop {
        match manager.open().await {
            Ok(physical) => return Ok(physical),
            Err(error) if error.is_unavailable() && Instant::now() < deadline => {
                tracing::debug!(error = %with_causes(&error), "waiting for the database");
                tokio::time::sleep(FIRST_CONNECT.pause(attempt)).await;
                attempt += 1;
            }
            Err(DbError::Unavailable(why)) => {
                return Err(Unavailable::NoConnection { waited: patience, last: Some(why.to_string()) }.into());
            }
            Err(error) => return Err(DbError::Unsuitable(format!("cannot use the database: {}", with_causes(&error)))),
        }
    }
}

async fn inspect(physical: &physical::Physical) -> Result<Durability, DbError> {
    let sql = "select current_setting('server_version_num')::int, current_setting('server_encoding'),
        current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')";
    let rows = physical.rows(sql, &[]).await?;
    let row = rows.first().ok_or_else(|| DbError::Unsuitable("the server does not tell its version".into()))?;
    let (version, encoding): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    if version < OLDEST_SERVER {
        return Err(DbError::Unsuitable(format!(
            "PostgreSQL {} is too old: Carrel needs 13 or newer",
            version / 10_000
        )));
    }
    if encoding != "UTF8" {
        return Err(DbError::Unsuitable(format!(
            "the database's encoding is {encoding}: create one with `create database … encoding 'UTF8' template template0`"
        )));
    }
    Ok(Durability { fsync: row.try_get(2)?, synchronous_commit: row.try_get(3)?, full_page_writes: row.try_get(4)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_asks_for_tls_is_refused_with_the_remedy() {
        let url = "postgres://carrel@db.example.org/carrel?sslmode=require";
        let refused = Db::connect(&DatabaseConfig::default(), url).await.err().expect("no TLS");
        assert!(refused.to_string().contains("tunnel"), "{refused}");
    }
}
