//! One lane of the pool: a number of connections and a waiting line with a limit and a deadline.
//!
//! A semaphore in front of bb8 makes the line: it is first come, first served, its length is known, and one checkout too many is
//! refused at once instead of joining a crowd that cannot be served anyway.

use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bb8::{Pool, PooledConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::manager::Manager;
use super::physical::Physical;
use crate::db::{DbError, Unavailable};

/// An idle connection older than this is asked for a sign of life before it is handed out: firewalls forget quietly.
const IDLE_CHECK: Duration = Duration::from_secs(30);
/// How long that sign may take.
const IDLE_CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// An idle connection is closed after this.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// Every connection is replaced after this, as its server process grows with use.
const MAX_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// What a lane has done and is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneFigures {
    /// `interactive` or `bulk`.
    pub lane: &'static str,
    /// Connections it may have.
    pub size: u32,
    /// Connections it has.
    pub open: u32,
    /// Connections nobody uses.
    pub idle: u32,
    /// Checkouts waiting.
    pub waiting: usize,
    /// Checkouts served.
    pub checkouts: u64,
    /// Checkouts refused because the line was full.
    pub refused: u64,
    /// Checkouts that waited until their deadline.
    pub timeouts: u64,
    /// Connections thrown away because they broke.
    pub broken: u64,
    /// Time all served checkouts waited together.
    pub wait: Duration,
}

#[derive(Clone)]
pub(crate) struct Lane(Arc<Shared>);

struct Shared {
    name: &'static str,
    pool: Pool<Manager>,
    size: u32,
    permits: Arc<Semaphore>,
    line: usize,
    checkout_timeout: Duration,
    last_failure: Arc<Mutex<Option<String>>>,
    closing: CancellationToken,
    waiting: AtomicUsize,
    checkouts: AtomicU64,
    refused: AtomicU64,
    timeouts: AtomicU64,
    wait_micros: AtomicU64,
}

impl Lane {
    pub(crate) fn new(
        name: &'static str,
        manager: Manager,
        size: u32,
        line: usize,
        checkout_timeout: Duration,
        first: Option<Physical>,
    ) -> Self {
        let (last_failure, closing) = (manager.last_failure(), manager.closing());
        let pool = Pool::builder()
            .max_size(size)
            .test_on_check_out(false)
            .retry_connection(false)
            .connection_timeout(checkout_timeout)
            .idle_timeout(IDLE_TIMEOUT)
            .max_lifetime(MAX_LIFETIME)
            .queue_strategy(bb8::QueueStrategy::Lifo)
            .build_unchecked(manager);
        if let Some(first) = first
            && pool.add(first).is_err()
        {
            tracing::debug!(lane = name, "the first connection was lost again");
        }
        Self(Arc::new(Shared {
            name,
            pool,
            size,
            permits: Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1))),
            line,
            checkout_timeout,
            last_failure,
            closing,
            waiting: AtomicUsize::new(0),
            checkouts: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
            wait_micros: AtomicU64::new(0),
        }))
    }

    /// A usable connection, or the reason why not.
    pub(crate) async fn checkout(&self) -> Result<Connection, DbError> {
        let shared = &*self.0;
        let start = Instant::now();
        let connection = self
            .in_time(async {
                let permit = self.permit().await?;
                Ok(Connection::new(self.usable().await?, permit, self.clone()))
            })
            .await?;
        shared.checkouts.fetch_add(1, Ordering::Relaxed);
        let waited = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        shared.wait_micros.fetch_add(waited, Ordering::Relaxed);
        Ok(connection)
    }

    /// A new connection to take the place of one that was checked out and is lost.
    pub(crate) async fn replacement(&self) -> Result<Physical, DbError> {
        self.in_time(self.0.pool.dedicated_connection()).await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
        let shared = &*self.0;
        let served = tokio::select! {
            biased;
            () = shared.closing.cancelled() => return Err(Unavailable::Closed.into()),
            served = tokio::time::timeout(shared.checkout_timeout, work) => served,
        };
        served.unwrap_or_else(|_| {
            shared.timeouts.fetch_add(1, Ordering::Relaxed);
            let last = shared.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Err(Unavailable::NoConnection { waited: shared.checkout_timeout, last }.into())
        })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, DbError> {
        match Arc::clone(&self.0.permits).try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(TryAcquireError::Closed) => Err(Unavailable::Closed.into()),
            Err(TryAcquireError::NoPermits) => {
                let _place = self.place_in_line()?;
                Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| Unavailable::Closed.into())
            }
        }
    }

    async fn usable(&self) -> Result<PooledConnection<'static, Manager>, DbError> {
        loop {
            let mut pooled = match self.0.pool.get_owned().await {
                Ok(pooled) => pooled,
                Err(bb8::RunError::User(error)) => return Err(error),
                // bb8's own clock, set to the same time as ours, was first: ours is about to end this.
                Err(bb8::RunError::TimedOut) => continue,
            };
            if pooled.is_closed() {
                // Dropping it tells bb8, which sees for itself that it has broken.
                pooled.spoil();
                continue;
            }
            if pooled.idle() >= IDLE_CHECK && !self.is_alive(&mut pooled).await {
                pooled.spoil();
                continue;
            }
            return Ok(pooled);
        }
    }

    async fn is_alive(&self, physical: &mut Physical) -> bool {
        let check = physical.batch_within("", IDLE_CHECK_TIMEOUT);
        matches!(tokio::time::timeout(IDLE_CHECK_TIMEOUT, check).await, Ok(Ok(())))
    }

    fn place_in_line(&self) -> Result<PlaceInLine<'_>, DbError> {
        let place = PlaceInLine::take(&self.0.waiting);
        if place.number > self.0.line {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Unavailable::LineFull.into());
        }
        Ok(place)
    }

    /// Once the manager is closing: waits for those who are in, and closes what is left.
    pub(crate) async fn close(&self, deadline: Instant) {
        let shared = &*self.0;
        let all = Arc::clone(&shared.permits).acquire_many_owned(shared.size);
        if tokio::time::timeout_at(deadline, all).await.is_err() {
            tracing::warn!(lane = shared.name, "database connections are still in use at the end");
        }
        shared.permits.close();
        while shared.pool.state().idle_connections > 0 {
            // The manager calls every connection broken once it is closing.
            let Ok(connection) = shared.pool.get_owned().await else { break };
            drop(connection);
        }
    }

    pub(crate) fn figures(&self) -> LaneFigures {
        let shared = &*self.0;
        let state = shared.pool.state();
        LaneFigures {
            lane: shared.name,
            size: shared.size,
            open: state.connections,
            idle: state.idle_connections,
            waiting: shared.waiting.load(Ordering::Relaxed),
            checkouts: shared.checkouts.load(Ordering::Relaxed),
            refused: shared.refused.load(Ordering::Relaxed),
            timeouts: shared.timeouts.load(Ordering::Relaxed),
            broken: state.statistics.connections_closed_broken,
            wait: Duration::from_micros(shared.wait_micros.load(Ordering::Relaxed)),
        }
    }
}

/// A place in the waiting line, left when dropped.
struct PlaceInLine<'a> {
    waiting: &'a AtomicUsize,
    number: usize,
}

impl<'a> PlaceInLine<'a> {
    fn take(waiting: &'a AtomicUsize) -> Self {
        Self { waiting, number: waiting.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for PlaceInLine<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
