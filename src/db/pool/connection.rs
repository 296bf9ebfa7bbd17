//! What callers hold: a connection checked out of a lane, or a transaction on it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bb8::PooledConnection;
use tokio::sync::OwnedSemaphorePermit;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::lane::Lane;
use super::manager::Manager;
use super::physical::Physical;
use crate::db::{DbError, Unavailable};

/// Values for `$1`, `$2`, …
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Somewhere statements can be run: a [`Connection`] or a [`Transaction`]. Statements are prepared once per connection.
pub trait Client: Send + Sync {
    /// All rows.
    fn query(&self, sql: &'static str, params: Params<'_>) -> impl Future<Output = Result<Vec<Row>, DbError>> + Send;

    /// How many rows were touched.
    fn execute(&self, sql: &'static str, params: Params<'_>) -> impl Future<Output = Result<u64, DbError>> + Send;

    /// The first row, if any.
    fn query_opt(
        &self,
        sql: &'static str,
        params: Params<'_>,
    ) -> impl Future<Output = Result<Option<Row>, DbError>> + Send {
        async move { Ok(self.query(sql, params).await?.into_iter().next()) }
    }

    /// The first row of a statement that always has one.
    fn query_one(&self, sql: &'static str, params: Params<'_>) -> impl Future<Output = Result<Row, DbError>> + Send {
        async move {
            let row = self.query(sql, params).await?.into_iter().next();
            row.ok_or_else(|| DbError::Corrupt("a statement that always gives a row gave none".into()))
        }
    }
}

/// A connection; goes back to its lane when dropped.
pub struct Connection {
    // Before the permit: whoever gets the permit must find the connection there.
    inner: PooledConnection<'static, Manager>,
    _permit: OwnedSemaphorePermit,
    lane: Lane,
}

impl Connection {
    pub(super) fn new(inner: PooledConnection<'static, Manager>, permit: OwnedSemaphorePermit, lane: Lane) -> Self {
        Self { inner, _permit: permit, lane }
    }

    /// Starts a transaction (read committed). Should the connection turn out to be lost, as after a restart of the server, another
    /// one takes its place: nothing was done on it yet.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, DbError> {
        match self.inner.batch("begin").await {
            Err(DbError::Unavailable(Unavailable::Lost(_))) => {
                // In the place of the lost one, which still counts in its lane.
                *self.inner = self.lane.replacement().await?;
                self.inner.batch("begin").await?;
            }
            result => result?,
        }
        Ok(Transaction { connection: self, open: true, has_failed: AtomicBool::new(false) })
    }

    pub(super) fn physical(&self) -> &Physical {
        &self.inner
    }
}

impl Client for Connection {
    async fn query(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, DbError> {
        self.inner.rows(sql, params).await
    }

    async fn execute(&self, sql: &'static str, params: Params<'_>) -> Result<u64, DbError> {
        self.inner.execute(sql, params).await
    }
}

/// A transaction. Dropped without [`commit`](Self::commit) it is rolled back; dropped in the middle of a statement its connection is
/// thrown away.
pub struct Transaction<'a> {
    connection: &'a mut Connection,
    open: bool,
    has_failed: AtomicBool,
}

impl Transaction<'_> {
    /// Makes its changes last: they are on disk when this returns `Ok`.
    ///
    /// # Errors
    /// [`DbError::Aborted`] when a statement in it had failed; or a lost connection: then nobody knows whether it was done.
    pub async fn commit(mut self) -> Result<(), DbError> {
        if self.has_failed.load(Ordering::Acquire) {
            self.rollback().await?;
            return Err(DbError::Aborted);
        }
        self.open = false;
        let result = self.connection.physical().batch("commit").await;
        if result.is_err() {
            self.connection.physical().spoil();
        }
        result
    }

    /// Undoes its changes and waits until that is done.
    ///
    /// # Errors
    /// A lost connection; its changes are undone then, too.
    pub async fn rollback(mut self) -> Result<(), DbError> {
        self.open = false;
        let result = self.connection.physical().batch("rollback").await;
        if result.is_err() {
            self.connection.physical().spoil();
        }
        result
    }

    /// Runs statements without parameters, with a limit of their own on our side.
    pub(crate) async fn batch_within(&self, sql: &str, limit: Duration) -> Result<(), DbError> {
        self.noted(self.connection.physical().batch_within(sql, limit).await)
    }

    fn noted<T>(&self, result: Result<T, DbError>) -> Result<T, DbError> {
        if result.is_err() {
            self.has_failed.store(true, Ordering::Release);
        }
        result
    }
}

impl Client for Transaction<'_> {
    async fn query(&self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, DbError> {
        self.noted(self.connection.query(sql, params).await)
    }

    async fn execute(&self, sql: &'static str, params: Params<'_>) -> Result<u64, DbError> {
        self.noted(self.connection.execute(sql, params).await)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        let physical = self.connection.physical();
        if self.open && !physical.is_spoilt() {
            physical.send_rollback();
        }
    }
}
