//! Opens and judges physical connections.
//!
//! Wraps bb8-postgres's manager, which knows when a connection is valid and when it has broken. Opening is done here, because we
//! keep what that manager throws away: the driver task's handle and the reason it ended. A connection is opened with patience:
//! [`bb8`] is told only of success or of the pool's end, so that callers who wait while PostgreSQL restarts get the first
//! connection there is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bb8::ManageConnection;
use bb8_postgres::PostgresConnectionManager;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Config, NoTls};
use tokio_util::sync::CancellationToken;

use super::physical::Physical;
use crate::db::error::with_causes;
use crate::db::{DbError, Unavailable};
use crate::model::backoff::Backoff;

/// Pauses between attempts to connect: short, as a restart takes about a second; bounded, as an outage may take hours.
const RECONNECT: Backoff = Backoff { first: Duration::from_millis(50), most: Duration::from_secs(1) };

/// How long a transaction may lie idle. Its client is stuck or asleep then, and must not keep another server from taking its sessions over.
const STUCK_CLIENT: Duration = Duration::from_secs(10);

/// How to open connections.
pub(crate) struct Manager {
    inner: PostgresConnectionManager<NoTls>,
    config: Config,
    /// For one attempt over all hosts, the greeting included.
    attempt_timeout: Duration,
    statement_timeout: Duration,
    plans_once: bool,
    last_failure: Arc<Mutex<Option<String>>>,
    closing: CancellationToken,
}

impl Manager {
    /// A manager for `config`, which may be completed with defaults.
    pub(crate) fn new(
        mut config: Config,
        connect_timeout: Duration,
        statement_timeout: Duration,
        closing: CancellationToken,
    ) -> Self {
        config.connect_timeout(connect_timeout);
        if config.get_application_name().is_none() {
            config.application_name("carrel");
        }
        if config.get_tcp_user_timeout().is_none() {
            // A peer that vanished is noticed while statements wait for it, not hours later.
            config.tcp_user_timeout(statement_timeout);
        }
        let hosts = config.get_hosts().len().max(1);
        if hosts > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        Self {
            inner: PostgresConnectionManager::new(config.clone(), NoTls),
            config,
            attempt_timeout: connect_timeout * u32::try_from(hosts).unwrap_or(u32::MAX),
            statement_timeout,
            plans_once: false,
            last_failure: Arc::default(),
            closing,
        }
    }

    /// A second manager of the same connections, for another lane.
    pub(crate) fn another(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            config: self.config.clone(),
            attempt_timeout: self.attempt_timeout,
            statement_timeout: self.statement_timeout,
            plans_once: self.plans_once,
            last_failure: Arc::clone(&self.last_failure),
            closing: self.closing.clone(),
        }
    }

    /// For small statements that come again and again: each is planned once, whatever its parameters, which for some takes longer than
    /// carrying it out. A plan lasts until its tables are analysed again, so it must not read one from end to end because that was small when
    /// the plan was made; and it is made for the average workspace, so what finds items has to say how (`items::apply`).
    pub(crate) fn planning_once(self) -> Self {
        Self { plans_once: true, ..self }
    }

    /// Why the last attempt failed; `None` once one has worked.
    pub(crate) fn last_failure(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.last_failure)
    }

    /// Cancelled when the pool ends.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// One attempt.
    pub(crate) async fn open(&self) -> Result<Physical, DbError> {
        let attempt = async {
            let (client, connection) = self.config.connect(NoTls).await?;
            let driver = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(error = %with_causes(&error), "a database connection ended");
                }
            });
            let physical = Physical::new(client, driver, self.statement_timeout);
            physical.batch(&self.settings()).await?;
            Ok(physical)
        };
        match tokio::time::timeout(self.attempt_timeout, attempt).await {
            Ok(result) => result,
            Err(_) => Err(Unavailable::Lost("no answer to an attempt to connect".into()).into()),
        }
    }

    /// What every connection starts with. JIT costs recursive queries more than it gives; a transaction whose client is stuck
    /// must not hold its locks.
    fn settings(&self) -> String {
        let millis = self.statement_timeout.as_millis();
        let plans =
            if self.plans_once { "; set plan_cache_mode = force_generic_plan; set enable_seqscan = off" } else { "" };
        format!(
            "set statement_timeout = {millis}; set idle_in_transaction_session_timeout = {}; set timezone = 'UTC'; set jit = off{plans}",
            STUCK_CLIENT.as_millis()
        )
    }

    fn note(&self, failure: Option<String>) {
        let mut last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*last, &failure) {
            (None, Some(error)) => tracing::warn!(error, "cannot connect to the database, trying again"),
            (Some(_), None) => tracing::info!("connected to the database again"),
            _ => {}
        }
        *last = failure;
    }
}

impl ManageConnection for Manager {
    type Connection = Physical;
    type Error = DbError;

    async fn connect(&self) -> Result<Physical, DbError> {
        let patient = async {
            let mut attempt = 0;
            loop {
                match self.open().await {
                    Ok(physical) => {
                        self.note(None);
                        return physical;
                    }
                    Err(error) => {
                        self.note(Some(with_causes(&error)));
                        tokio::time::sleep(RECONNECT.pause(attempt)).await;
                        attempt += 1;
                    }
                }
            }
        };
        tokio::select! {
            physical = patient => Ok(physical),
            () = self.closing.cancelled() => Err(Unavailable::Closed.into()),
        }
    }

    async fn is_valid(&self, physical: &mut Physical) -> Result<(), DbError> {
        Ok(self.inner.is_valid(physical.client_mut()).await?)
    }

    fn has_broken(&self, physical: &mut Physical) -> bool {
        self.closing.is_cancelled() || physical.is_spoilt() || self.inner.has_broken(physical.client_mut())
    }
}
