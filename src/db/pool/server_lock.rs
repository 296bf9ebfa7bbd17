//! One server per database: an advisory lock held on a connection of its own.
//!
//! ```text
//!   taken ──── connection lost ───▶ taking again ───▶ taken
//!                                        │ another server has it
//!                                        ▼
//!                                       lost
//! ```

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Db;
use super::physical::Physical;
use crate::db::DbError;
use crate::db::error::with_causes;
use crate::model::backoff::Backoff;

/// How long a server that has just ended may seem to be there.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pauses between attempts.
const RETRY: Backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(1) };

/// The right to be the server of a database's schema; given up when dropped.
pub struct ServerLock {
    keeper: JoinHandle<()>,
    lost: watch::Receiver<bool>,
}

impl ServerLock {
    /// Takes the lock of `db`'s schema.
    ///
    /// # Errors
    /// [`DbError::Unsuitable`] when another server has it, or there is no schema.
    pub async fn take(db: &Db) -> Result<Self, DbError> {
        let first = taken(db).await?.ok_or_else(|| {
            DbError::Unsuitable(
                "another Carrel server uses this database: stop it, or give this one a database or schema of its own"
                    .into(),
            )
        })?;
        let (sender, lost) = watch::channel(false);
        let keeper = tokio::spawn(keep(db.clone(), first, sender));
        Ok(Self { keeper, lost })
    }

    /// Ends when another server has taken the lock while the database had lost our connection.
    pub async fn lost(&self) {
        let mut lost = self.lost.clone();
        if lost.wait_for(|lost| *lost).await.is_err() {
            // The keeper was ended with its lock: it cannot be lost any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for ServerLock {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Takes the lock again whenever its connection has ended, until somebody else has it.
async fn keep(db: Db, first: Physical, lost: watch::Sender<bool>) {
    let mut held = first;
    loop {
        held.ended().await;
        let mut attempt = 0;
        held = loop {
            match taken(&db).await {
                Ok(Some(physical)) => break physical,
                Ok(None) => {
                    lost.send_replace(true);
                    return;
                }
                Err(error) => {
                    tracing::debug!(error = %with_causes(&error), "cannot take the server's lock again yet");
                    tokio::time::sleep(RETRY.pause(attempt)).await;
                    attempt = attempt.saturating_add(1);
                }
            }
        };
    }
}

/// A connection that holds the lock; `None` when somebody else holds it all the time.
async fn taken(db: &Db) -> Result<Option<Physical>, DbError> {
    let physical = db.0.manager.open().await?;
    let deadline = Instant::now() + PATIENCE;
    let mut attempt = 0;
    loop {
        let sql = "select pg_try_advisory_lock(hashtextextended('carrel server ' || current_schema(), 0))";
        let rows = physical.rows(sql, &[]).await?;
        let row = rows.first().ok_or_else(|| DbError::Corrupt("a lock gave no answer".into()))?;
        if row.try_get::<_, Option<bool>>(0)?.unwrap_or(false) {
            return Ok(Some(physical));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        tokio::time::sleep(RETRY.pause(attempt)).await;
        attempt += 1;
    }
}
