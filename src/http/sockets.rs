//! Open WebSockets: how many, whose, what they are doing, and how to tell them all that the server is going away.

use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use dashmap::DashMap;
use futures_util::future::join_all;
use prometheus::IntGauge;
use tokio::sync::watch;
use uuid::Uuid;

use super::error::{ApiError, Code};
use super::metrics::Metrics;
use crate::actors::describe::{ActorDescription, Describe};
use crate::model::UserId;

/// Sockets one user may have open: many tabs with many terminals, and still no way to take all of ours.
const MAX_PER_USER: usize = 256;

/// How long a socket may take to describe itself. One whose client does not read is asleep, which is no fault.
const DESCRIBE_TIMEOUT: Duration = Duration::from_millis(200);

/// All open sockets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sockets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: DashMap<Uuid, Recipient<Describe>>,
    by_user: DashMap<UserId, usize>,
    count: watch::Sender<usize>,
    closing: watch::Sender<bool>,
    metrics: Metrics,
}

impl Sockets {
    /// None yet.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            open: DashMap::new(),
            by_user: DashMap::new(),
            count: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            metrics,
        }))
    }

    /// Makes room for a socket of `user`.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`], or [`Code::Unavailable`] when the server is going away.
    pub(super) fn admit(&self, user: UserId, kind: &'static str) -> Result<Place, ApiError> {
        if *self.0.closing.borrow() {
            return Err(ApiError::because(Code::Unavailable, "The server is going away; try again."));
        }
        {
            let mut open = self.0.by_user.entry(user).or_insert(0);
            if *open >= MAX_PER_USER {
                return Err(ApiError::because(Code::TooManyRequests, "Too many windows are open: close one first."));
            }
            *open += 1;
        }
        self.0.count.send_modify(|count| *count += 1);
        let gauge = self.0.metrics.sockets(kind);
        gauge.inc();
        Ok(Place { id: Uuid::now_v7(), user, gauge, sockets: self.clone() })
    }

    /// What every socket is doing.
    pub async fn describe(&self) -> Vec<ActorDescription> {
        let open: Vec<_> = self.0.open.iter().map(|entry| entry.value().clone()).collect();
        let asked = open.iter().map(|socket| tokio::time::timeout(DESCRIBE_TIMEOUT, socket.send(Describe)));
        join_all(asked).await.into_iter().filter_map(|answer| answer.ok()?.ok()).collect()
    }

    /// Tells every socket that the server is going away (close 1001) and refuses new ones. Returns when all are gone, or after
    /// `patience`; how many are left.
    pub async fn close_all(&self, patience: Duration) -> usize {
        self.0.closing.send_replace(true);
        let mut count = self.0.count.subscribe();
        // Not all gone in time is what the returned number says.
        drop(tokio::time::timeout(patience, count.wait_for(|count| *count == 0)).await);
        *self.0.count.borrow()
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        *self.0.count.borrow()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One open socket; gives its place back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: Uuid,
    user: UserId,
    gauge: IntGauge,
    sockets: Sockets,
}

impl Place {
    /// The socket's actor lives now and can be asked.
    pub(super) fn settle(&self, socket: Recipient<Describe>) {
        self.sockets.0.open.insert(self.id, socket);
    }

    /// Turns true when the server is going away.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.sockets.0.closing.subscribe()
    }

    /// Names the socket in descriptions.
    pub(super) fn id(&self) -> Uuid {
        self.id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let inner = &self.sockets.0;
        inner.open.remove(&self.id);
        if let Some(mut open) = inner.by_user.get_mut(&self.user) {
            *open = open.saturating_sub(1);
        }
        inner.by_user.remove_if(&self.user, |_, open| *open == 0);
        inner.count.send_modify(|count| *count = count.saturating_sub(1));
        self.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets() -> Sockets {
        Sockets::new(Metrics::new().expect("metrics"))
    }

    #[test]
    fn a_user_has_so_many_places_and_gets_them_back() {
        let sockets = sockets();
        let user = UserId::new();
        let mut places: Vec<_> = (0..MAX_PER_USER).map(|_| sockets.admit(user, "terminal").expect("room")).collect();
        let refused = sockets.admit(user, "terminal").expect_err("one too many");
        assert_eq!(refused.code(), Code::TooManyRequests);
        assert!(sockets.admit(UserId::new(), "terminal").is_ok(), "others are not affected");
        places.pop();
        assert!(sockets.admit(user, "session").is_ok());
        places.clear();
        assert!(sockets.is_empty() && sockets.0.by_user.is_empty());
    }

    #[tokio::test]
    async fn closing_waits_for_sockets_and_refuses_new_ones() {
        let sockets = sockets();
        let place = sockets.admit(UserId::new(), "session").expect("room");
        let mut told = place.closing();
        let closing = tokio::spawn({
            let sockets = sockets.clone();
            async move { sockets.close_all(Duration::from_secs(5)).await }
        });
        told.wait_for(|closing| *closing).await.expect("told");
        assert_eq!(sockets.admit(UserId::new(), "session").expect_err("late").code(), Code::Unavailable);
        drop(place);
        assert_eq!(closing.await.expect("task"), 0);
    }
}
