//! SessionSupervisor: one SessionActor per UUID, replaced when it falls over.
//!
//! ```text
//!                Ensure              its lease is ours          normal end
//!   (no child) ─────────▶ acquiring ─────────────▶ serving(generation) ───────▶ (no child)
//!       ▲                  │    ▲                     │
//!       └── elsewhere ─────┘    │ pause over          │ fell over
//!                               │ generation + 1      ▼
//!                               └───────────────── pausing
//!                                  │ too often: written down as `failed` with its reason
//!                                  ▼
//!                             (no child)
//! ```
//!
//! actix's own supervisor does not restart after a panic, so this one has its own means: each child carries an [`ExitNotice`] whose
//! drop tells the parent how it ended. A replacement is made from the database and adopts the running sandbox; nothing of the broken
//! value is used.
//!
//! **Invariants**: at most one child per UUID, and none without a lease ([`super::leases`]); a replacement takes the lease anew, so that
//! nothing the broken one had under way is written any more. Only this actor writes its children into the registry; a stale exit notice (an older
//! generation) changes nothing.
//!
//! **Talks to**: holds its children's addresses; is held by [`super::Sessions`]. Children hold it weakly.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;

use super::api::SessionError;
use super::describe::{ActorDescription, Describe, Tally};
use super::registry::Entry;
use super::session::SessionActor;
use super::watch::{Watch, watched};
use super::{Deps, session};
use crate::db;
use crate::db::leases::Lease;
use crate::model::backoff::{Backoff, Failures, RestartPolicy, Verdict};
use crate::model::{SessionEvent, SessionId};

/// The longest pause before a replacement.
const MOST_PAUSE: Duration = Duration::from_secs(10);

/// Requests that may wait for a session's lease.
const MAX_WAITERS: usize = 256;

/// Supervises the sessions whose id falls to it.
pub struct SessionSupervisor {
    number: usize,
    policy: RestartPolicy,
    children: HashMap<SessionId, Child>,
    stopping: bool,
    deps: Deps,
    watch: Watch,
    tally: Tally,
    failures: u64,
}

struct Child {
    state: ChildState,
    generation: u64,
    failures: Failures,
}

enum ChildState {
    /// Its lease is asked for; these wait for the actor.
    Acquiring(Vec<oneshot::Sender<Ensured>>),
    Serving(Addr<SessionActor>, Lease),
    /// Fell over; those who asked meanwhile wait for the replacement, or for its being given up to be written down.
    Pausing,
}

/// Asks for the actor of a session, starting it if there is none. The reply comes when its lease is ours, or why it is not; `None` while it
/// is being replaced or the server stops: try again.
#[derive(Message)]
#[rtype(result = "Ensured")]
pub struct Ensure(pub SessionId);

/// What comes of [`Ensure`].
pub type Ensured = Result<Option<Addr<SessionActor>>, SessionError>;

/// An actor has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SessionExited {
    id: SessionId,
    generation: u64,
    how: Exit,
    /// The kind of message it was handling.
    during: Option<&'static str>,
}

/// How an actor has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It had nothing left to do.
    Normal,
    /// It was dropped without having said so: a panic.
    Fell,
}

/// Stops every child; their sandboxes keep running. The reply comes when all have ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct StopAllSessions;

/// Tells the parent that a child has ended, whatever ended it.
pub struct ExitNotice {
    id: SessionId,
    generation: u64,
    how: Exit,
    watch: Watch,
    parent: actix::WeakAddr<SessionSupervisor>,
}

impl ExitNotice {
    /// The child is about to end because it has nothing left to do.
    pub fn normal(&mut self) {
        self.how = Exit::Normal;
    }

    /// What is known of the child's requests.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl Drop for ExitNotice {
    #[expect(
        clippy::disallowed_methods,
        reason = "a fact told from Drop, at most one per child: nothing can be awaited here"
    )]
    fn drop(&mut self) {
        if let Some(parent) = self.parent.upgrade() {
            let Self { id, generation, how, .. } = *self;
            parent.do_send(SessionExited { id, generation, how, during: self.watch.handling() });
        }
    }
}

impl SessionSupervisor {
    /// The supervisor with this number.
    #[must_use]
    pub fn new(number: usize, deps: Deps, watch: Watch) -> Self {
        let actors = &deps.config.actors;
        let policy = RestartPolicy {
            limit: actors.restart_limit,
            window: Duration::from_secs(actors.restart_window_seconds),
            backoff: Backoff { first: Duration::from_millis(actors.restart_backoff_ms), most: MOST_PAUSE },
        };
        Self {
            number,
            policy,
            children: HashMap::new(),
            stopping: false,
            deps,
            watch,
            tally: Tally::default(),
            failures: 0,
        }
    }
}

impl Actor for SessionSupervisor {
    type Context = Context<Self>;

    /// Runs before the first message.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.deps.config.actors.supervisor_mailbox);
    }
}

watched!(SessionSupervisor);

impl Handler<Ensure> for SessionSupervisor {
    type Result = ResponseFuture<Ensured>;

    fn handle(&mut self, Ensure(id): Ensure, ctx: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        let (waiter, ensured) = oneshot::channel();
        match self.children.get_mut(&id).map(|child| &mut child.state) {
            _ if self.stopping => return Box::pin(async { Ok(None) }),
            Some(ChildState::Serving(addr, _)) if addr.connected() => {
                let addr = addr.clone();
                return Box::pin(async { Ok(Some(addr)) });
            }
            // Ended or fallen over: its notice is on its way.
            Some(ChildState::Serving(..) | ChildState::Pausing) => return Box::pin(async { Ok(None) }),
            Some(ChildState::Acquiring(waiters)) if waiters.len() >= MAX_WAITERS => {
                self.tally.refused += 1;
                return Box::pin(async { Err(SessionError::Busy) });
            }
            Some(ChildState::Acquiring(waiters)) => waiters.push(waiter),
            None => self.begin_child(id, 1, Failures::default(), vec![waiter], ctx),
        }
        Box::pin(async { ensured.await.unwrap_or(Ok(None)) })
    }
}

impl Handler<SessionExited> for SessionSupervisor {
    type Result = ();

    fn handle(&mut self, exited: SessionExited, ctx: &mut Self::Context) {
        self.tally.handled += 1;
        let SessionExited { id, generation, how, during } = exited;
        self.deps.registry.remove(id, generation);
        let Some(child) = self.children.get_mut(&id).filter(|child| child.generation == generation) else { return };
        let lease = match &child.state {
            ChildState::Serving(_, lease) => lease.clone(),
            ChildState::Acquiring(_) | ChildState::Pausing => return,
        };
        if how == Exit::Normal || self.stopping {
            self.children.remove(&id);
            let leases = Arc::clone(&self.deps.leases);
            self.deps.io.spawn(async move { leases.release(&lease).await });
            return;
        }
        self.failures += 1;
        if let Some(kind) = during
            && self.deps.registry.quarantine.fell(id, kind, Instant::now(), &self.policy)
        {
            tracing::error!(session.id = %id, message.kind = kind, "a session's actor fell over the same kind of message again and again; it is kept away from now on");
            // Without it the session may well go on.
            child.failures = Failures::default();
        }
        match child.failures.note(Instant::now(), &self.policy) {
            Verdict::Restart(pause) => {
                tracing::error!(session.id = %id, actor.generation = generation, pause_ms = pause.as_millis(), "a session's actor fell over and is replaced");
                child.state = ChildState::Pausing;
                ctx.run_later(pause, move |supervisor, ctx| supervisor.replace(id, generation, ctx));
            }
            Verdict::GiveUp => {
                tracing::error!(session.id = %id, actor.generation = generation, "a session's actor fell over too often and stays down");
                // Until that is written down nobody may start it again: he would find the state of before.
                child.state = ChildState::Pausing;
                let db = self.deps.db.clone();
                let leases = Arc::clone(&self.deps.leases);
                let writing = async move {
                    give_up(&db, &lease).await;
                    leases.release(&lease).await;
                };
                ctx.spawn(writing.into_actor(self).map(move |(), supervisor, _| {
                    supervisor.children.remove(&id);
                }));
            }
        }
    }
}

impl Handler<StopAllSessions> for SessionSupervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopAllSessions, _: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        self.stopping = true;
        let children: Vec<_> = self
            .children
            .values()
            .filter_map(|child| match &child.state {
                ChildState::Serving(addr, _) => Some(addr.clone()),
                ChildState::Acquiring(_) | ChildState::Pausing => None,
            })
            .collect();
        Box::pin(async move {
            // A child that has ended meanwhile answers with an error, which is as good.
            futures_util::future::join_all(children.iter().map(|child| child.send(session::Detach))).await;
        })
    }
}

impl Handler<Describe> for SessionSupervisor {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        MessageResult(
            ActorDescription {
                kind: "SessionSupervisor",
                name: self.number.to_string(),
                phase: format!("{} sessions", self.children.len()),
                generation: 1,
                handled: self.tally.handled,
                refused: self.tally.refused,
                queued: 0,
                failures: self.failures,
                ..ActorDescription::default()
            }
            .watched(&self.watch),
        )
    }
}

impl SessionSupervisor {
    /// Asks for a session's lease, and starts its actor when that is ours.
    fn begin_child(
        &mut self,
        id: SessionId,
        generation: u64,
        failures: Failures,
        waiters: Vec<oneshot::Sender<Ensured>>,
        ctx: &mut Context<Self>,
    ) {
        self.children.insert(id, Child { state: ChildState::Acquiring(waiters), generation, failures });
        let leases = Arc::clone(&self.deps.leases);
        let acquiring = async move { leases.acquire(id).await };
        ctx.spawn(acquiring.into_actor(self).map(move |lease, supervisor, ctx| {
            supervisor.acquired(id, lease, ctx);
        }));
    }

    fn acquired(&mut self, id: SessionId, lease: Result<Lease, SessionError>, ctx: &mut Context<Self>) {
        let Some(child) = self.children.get_mut(&id) else { return };
        let ChildState::Acquiring(waiters) = &mut child.state else { return };
        let waiters = std::mem::take(waiters);
        let generation = child.generation;
        let ensured = match lease {
            Ok(_) if self.stopping => Ok(None),
            Ok(lease) => {
                let watch = Watch::new(self.deps.config.actors.session_mailbox);
                let parent = ctx.address().downgrade();
                let notice = ExitNotice { id, generation, how: Exit::Fell, watch: watch.clone(), parent };
                let addr = SessionActor::new(lease.clone(), generation, notice, self.deps.clone()).start();
                child.state = ChildState::Serving(addr.clone(), lease);
                self.deps.registry.insert(id, Entry { addr: addr.clone(), generation, watch });
                Ok(Some(addr))
            }
            Err(error) => Err(error),
        };
        if !matches!(ensured, Ok(Some(_))) {
            // Whoever needs it asks again, and so does the comparison of every minute.
            self.children.remove(&id);
        }
        for waiter in waiters {
            // It may have stopped waiting.
            waiter.send(ensured.clone()).ok();
        }
    }

    fn replace(&mut self, id: SessionId, generation: u64, ctx: &mut Context<Self>) {
        let pausing = |child: &Child| child.generation == generation && matches!(child.state, ChildState::Pausing);
        if !self.stopping && self.children.get(&id).is_some_and(pausing) {
            let failures = self.children.remove(&id).map(|child| child.failures).unwrap_or_default();
            self.begin_child(id, generation + 1, failures, Vec::new(), ctx);
        }
    }
}

/// Writes down that a session stays down. Its sandbox stays too: whoever starts the session again adopts it.
async fn give_up(db: &db::Db, lease: &Lease) {
    const REASON: &str = "the session's server part failed repeatedly; its files are safe, and you may start it again";
    let write = async {
        let connection = db.interactive().await?;
        db::sessions::transition(&connection, lease, SessionEvent::Fail, Some(REASON)).await
    };
    if let Err(error) = write.await {
        tracing::error!(session.id = %lease.session(), error = %error, "cannot write down that a session failed");
    }
}

/// Which of `count` supervisors a session falls to.
#[must_use]
pub fn supervisor_of(id: SessionId, count: usize) -> usize {
    // The last bytes of a version 7 UUID are random.
    let [.., high, low] = *id.0.as_bytes();
    usize::from(u16::from_be_bytes([high, low])) % count.max(1)
}

/// A supervisor, as those hold it who ask it.
#[derive(Clone)]
pub struct Supervised {
    /// It.
    pub addr: Addr<SessionSupervisor>,
    /// What is known of its requests.
    pub watch: Watch,
}

/// Every supervisor, by number.
pub type Supervisors = Arc<[Supervised]>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_spread_over_all_supervisors_and_always_to_the_same() {
        let ids: Vec<_> = (0..400).map(|_| SessionId::new()).collect();
        let mut counts = [0_usize; 4];
        for id in &ids {
            counts[supervisor_of(*id, 4)] += 1;
            assert_eq!(supervisor_of(*id, 4), supervisor_of(*id, 4));
        }
        assert!(counts.iter().all(|count| (50..150).contains(count)), "{counts:?}");
    }
}
