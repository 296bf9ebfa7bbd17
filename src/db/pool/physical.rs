//! One connection to PostgreSQL: its client, its driver task, its prepared statements, and whether it may be used again.
//!
//! **Invariants.** A statement that was sent and not awaited to its end spoils the connection: nobody can know what state it is in,
//! and the next user would wait behind it. A spoilt connection is never used again; what it was doing is cancelled at the server.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use crate::db::{DbError, Unavailable};

/// How much longer than the server's own limit we wait for its answer: it has a clock of its own and an answer to send.
const GRACE: Duration = Duration::from_secs(2);
/// How long an attempt to cancel what a spoilt connection was doing may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
/// Statements kept prepared per connection; far more than there are in the program, yet bounded.
const MAX_STATEMENTS: usize = 256;

/// A connection as the pool keeps it.
pub(crate) struct Physical {
    client: Client,
    driver: JoinHandle<()>,
    statements: Mutex<Statements>,
    spoilt: AtomicBool,
    statement_timeout: Duration,
    last_used: Mutex<Instant>,
}

#[derive(Default)]
struct Statements {
    by_text: HashMap<&'static str, Statement>,
    oldest_first: VecDeque<&'static str>,
}

impl Physical {
    pub(crate) fn new(client: Client, driver: JoinHandle<()>, statement_timeout: Duration) -> Self {
        Self {
            client,
            driver,
            statements: Mutex::default(),
            spoilt: AtomicBool::new(false),
            statement_timeout,
            last_used: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Whether it must not be used again.
    pub(crate) fn is_spoilt(&self) -> bool {
        self.spoilt.load(Ordering::Acquire)
    }

    /// Says that it must not be used again.
    pub(crate) fn spoil(&self) {
        self.spoilt.store(true, Ordering::Release);
    }

    /// Whether the other side is known to be gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed() || self.driver.is_finished()
    }

    /// How long nobody has heard from the server on it.
    pub(crate) fn idle(&self) -> Duration {
        self.last_used.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Runs a prepared statement and gives its rows.
    pub(crate) async fn rows(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, DbError> {
        self.guarded(self.statement_timeout + GRACE, async {
            let statement = self.prepared(sql).await?;
            self.client.query(&statement, params).await
        })
        .await
    }

    /// Runs a prepared statement and gives the number of rows it touched.
    pub(crate) async fn execute(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, DbError> {
        self.guarded(self.statement_timeout + GRACE, async {
            let statement = self.prepared(sql).await?;
            self.client.execute(&statement, params).await
        })
        .await
    }

    /// Runs statements without parameters and rows.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), DbError> {
        self.batch_within(sql, self.statement_timeout).await
    }

    /// The same with another limit on our side; the server's has to be set by the caller.
    pub(crate) async fn batch_within(&self, sql: &str, limit: Duration) -> Result<(), DbError> {
        self.guarded(limit + GRACE, self.client.batch_execute(sql)).await
    }

    /// Sends ROLLBACK without waiting for the answer. What is sent later is done later, so the connection is clean for its next user.
    pub(crate) fn send_rollback(&self) {
        // One poll puts the message in the driver's queue; the answer is read and dropped by the driver.
        if let Some(Err(_)) = self.client.batch_execute("rollback").now_or_never() {
            self.spoil();
        }
    }

    async fn guarded<T>(
        &self,
        limit: Duration,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        let flight = Flight { physical: self, landed: false };
        let result = match tokio::time::timeout(limit, statement).await {
            Ok(result) => result,
            // The guard spoils the connection.
            Err(_) => return Err(Unavailable::StatementTimeout.into()),
        };
        flight.land();
        result.map_err(|error| {
            // A plan or statement the server no longer knows.
            let is_stale = error.code().is_some_and(|state| matches!(state.code(), "0A000" | "26000"));
            let error = DbError::from(error);
            // Lost, or a standby since a failover: the next one shall not meet that, too.
            let is_gone = matches!(error, DbError::Unavailable(Unavailable::Lost(_) | Unavailable::ReadOnly));
            if is_stale || is_gone {
                self.spoil();
            }
            error
        })
    }

    async fn prepared(&self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).by_text.get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if statements.by_text.insert(sql, statement.clone()).is_none() {
            statements.oldest_first.push_back(sql);
            if statements.oldest_first.len() > MAX_STATEMENTS
                && let Some(oldest) = statements.oldest_first.pop_front()
            {
                statements.by_text.remove(oldest);
            }
        }
        Ok(statement)
    }
}

impl Drop for Physical {
    fn drop(&mut self) {
        if !self.is_spoilt() || self.client.is_closed() {
            // The driver says goodbye to the server by itself once the client is gone.
            return;
        }
        let (token, driver) = (self.client.cancel_token(), self.driver.abort_handle());
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if tokio::time::timeout(CANCEL_TIMEOUT, token.cancel_query(NoTls)).await.is_err() {
                        tracing::debug!("the database does not answer a cancel request");
                    }
                    driver.abort();
                });
            }
            Err(_) => driver.abort(),
        }
    }
}

/// A statement on its way; spoils its connection unless it lands.
struct Flight<'a> {
    physical: &'a Physical,
    landed: bool,
}

impl Flight<'_> {
    fn land(mut self) {
        self.landed = true;
        *self.physical.last_used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if !self.landed {
            self.physical.spoil();
        }
    }
}
