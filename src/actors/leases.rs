//! What this server has of the sessions in the database, and its heartbeat.
//!
//! ```text
//!   registered ──▶ a heartbeat every fifth of a lease ──▶ what is held is compared: what is somebody else's by now is let go
//!                        │ another process has registered as this server
//!                        ▼
//!                     replaced: this process must end
//! ```
//!
//! **Invariants**: an actor is started only with a lease. A lease that is known to be lost is told to its actor at once; what is not known
//! yet is stopped by the fence in every write. The heartbeat has a connection of its own and waits behind nobody.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::api::SessionError;
use crate::db::leases::{self, Acquired, Lease};
use crate::db::{Apart, Client, Db, DbError};
use crate::model::{SandboxId, ServerId, SessionId};

/// Heartbeats in the time of a lease: some may be lost.
const BEATS_PER_LEASE: u32 = 5;

/// This server among those that share the database.
pub struct Leases {
    db: Db,
    server: ServerId,
    started_at: OffsetDateTime,
    lease: Duration,
    held: DashMap<SessionId, Lease>,
    replaced: CancellationToken,
}

impl Leases {
    /// Registers this server: its leases last for `lease` without a heartbeat, and people reach it at `url`.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn register(db: Db, server: ServerId, url: &str, lease: Duration) -> Result<Arc<Self>, DbError> {
        let connection = db.interactive().await?;
        let started_at = leases::register(&connection, server, url, lease).await?;
        let forgotten = leases::forget_silent(&connection).await?;
        if forgotten > 0 {
            tracing::info!(servers = forgotten, "forgot servers that nobody has heard of for a month");
        }
        drop(connection);
        let (held, replaced) = (DashMap::new(), CancellationToken::new());
        Ok(Arc::new(Self { db, server, started_at, lease, held, replaced }))
    }

    /// Who this server is.
    #[must_use]
    pub fn server(&self) -> ServerId {
        self.server
    }

    /// How many sessions it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes a session. One we have already is taken anew: whoever wrote on its behalf before cannot any more.
    ///
    /// # Errors
    /// [`SessionError::Elsewhere`], [`SessionError::NotFound`], [`SessionError::Unavailable`].
    pub async fn acquire(&self, session: SessionId) -> Result<Lease, SessionError> {
        let acquired = leases::acquire(&self.db.interactive().await?, self.server, session).await?;
        match acquired {
            Acquired::Held(lease) => {
                self.held.insert(session, lease.clone());
                Ok(lease)
            }
            Acquired::Elsewhere { url } => Err(SessionError::Elsewhere { url }),
            Acquired::NoSession => Err(SessionError::NotFound),
        }
    }

    /// Gives a session back whose actor has ended; one with a sandbox stays ours.
    pub async fn release(&self, lease: &Lease) {
        self.held.remove_if(&lease.session(), |_, held| held.fence() == lease.fence());
        if lease.is_lost() {
            return;
        }
        let releasing = async { leases::release(&self.db.bulk().await?, lease).await };
        if let Err(error) = releasing.await {
            // It is free as soon as this server is silent, and ours as long as it is not.
            tracing::debug!(session.id = %lease.session(), error = %error, "cannot give a session back");
        }
    }

    /// Gives back what has no sandbox, since this server stops.
    pub async fn release_all(&self) {
        let releasing = async { leases::release_all(&self.db.interactive().await?, self.server).await };
        if let Err(error) = releasing.await {
            tracing::warn!(error = %error, "cannot give sessions back; other servers can have them in a moment");
        }
    }

    /// Sessions this server has to look after by itself; `found`: its sandboxes that exist.
    ///
    /// # Errors
    /// Of the database.
    pub async fn to_look_after(&self, found: &[SandboxId]) -> Result<Vec<SessionId>, SessionError> {
        Ok(leases::to_look_after(&self.db.bulk().await?, self.server, found).await?)
    }

    /// Ends when another process has registered as this very server.
    pub async fn replaced(&self) {
        self.replaced.cancelled().await;
    }

    /// The heartbeat; never ends by itself, unless another process runs as this server.
    pub async fn keep(self: Arc<Self>) {
        let every = self.lease / BEATS_PER_LEASE;
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut connection = None;
        let mut missed = 0_u32;
        loop {
            tick.tick().await;
            // What cannot be said by the time of the next beat and the one after is said on another connection.
            match tokio::time::timeout(every * 2, self.beat(&mut connection)).await {
                Ok(Ok(true)) => {
                    if missed >= BEATS_PER_LEASE {
                        tracing::info!(missed, "the database hears this server again");
                    }
                    missed = 0;
                }
                Ok(Ok(false)) => {
                    self.lose_all();
                    return self.replaced.cancel();
                }
                failed => {
                    connection = None;
                    missed = missed.saturating_add(1);
                    let error = failed.ok().and_then(Result::err).map(|error| error.to_string());
                    let error = error.unwrap_or_else(|| "no answer in time".to_owned());
                    if missed == BEATS_PER_LEASE {
                        tracing::warn!(error, "the database has not heard this server for as long as its leases last");
                    }
                }
            }
        }
    }

    /// One heartbeat, and a look at what is still held. `false` when another process is this server now.
    async fn beat(&self, connection: &mut Option<Apart>) -> Result<bool, DbError> {
        let client = match connection {
            Some(client) => client,
            None => connection.insert(self.db.apart().await?),
        };
        if !leases::beat(client, self.server, self.started_at).await? {
            return Ok(false);
        }
        self.compare(client).await?;
        Ok(true)
    }

    /// Lets go of what somebody else has taken.
    async fn compare(&self, client: &impl Client) -> Result<(), DbError> {
        // Before the database is asked: what is taken meanwhile is not among these.
        let known: Vec<Lease> = self.held.iter().map(|held| held.value().clone()).collect();
        if known.is_empty() {
            return Ok(());
        }
        let ours: std::collections::HashMap<_, _> = leases::held(client, self.server).await?.into_iter().collect();
        for lease in known.iter().filter(|lease| ours.get(&lease.session()) != Some(&lease.fence())) {
            lease.lose();
            self.held.remove_if(&lease.session(), |_, held| held.fence() == lease.fence());
        }
        Ok(())
    }

    fn lose_all(&self) {
        self.held.iter().for_each(|held| held.value().lose());
        self.held.clear();
    }
}
