//! Stopping, and writing down that there is no sandbox any more.
//!
//! ```text
//!   live ── stop is written down ──▶ stopping: end programs, collect ── collected ──▶ closing: remove ──▶ cold
//!    ▲                                  │   ▲ failed: again, for COLLECT_PATIENCE
//!    └── its user is told why ──────────┴───┘          by itself, and there is no room for it: left on its volume (`unsaved.rs`) ──▶ cold
//! ```
//!
//! **Invariants**: programs end before their changes are collected, so that the listing is the last word. A sandbox goes only after its
//! changes were collected, when its container has died, when its user gives up what cannot be collected, or when its session is deleted;
//! one that ends by itself goes when its volume keeps what cannot be.
//! Otherwise the session goes back to `ready`; where the agent stays away for as long as collecting may take, it is `failed` and keeps its
//! sandbox (see `life.rs`).

use actix::prelude::*;

use super::fate::{Fate, Next, after_failure};
use super::opening::Former;
use super::remains::collected;
use super::unsaved::bare;
use super::{
    AgentLink, Backoff, Duration, Instant, Lease, Level, Live, OwnedLink, Phase, Session, SessionActor, SessionError,
    SessionEvent, SessionNotice, SessionState, WRITE_RETRY, WorkspaceSyncActor, db, sync,
};
use crate::model::SandboxId;
use carrel_protocol::Request;

/// How long changes may take to be collected when their sandbox does not wait for them: the server stops, or the session is deleted.
pub(super) const FLUSH_TIMEOUT: Duration = Duration::from_secs(8);

/// How long collecting is tried before a stop is given up.
const COLLECT_PATIENCE: Duration = Duration::from_secs(60);

/// Pauses before collecting is tried again.
const COLLECT_RETRY: Backoff = Backoff { first: Duration::from_millis(250), most: Duration::from_secs(5) };

/// How long programs may take to end: the agent's own grace, and some more for a busy machine.
const END_TIMEOUT: Duration = Duration::from_secs(8);

/// How long an agent may take to say goodbye.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(3);

/// A stop under way.
pub(super) struct Stop {
    pub(super) reason: String,
    deadline: Instant,
    attempt: u32,
    /// Its user would rather lose what cannot be collected than keep the sandbox.
    discard: bool,
    /// Nobody is there who could be asked.
    unattended: bool,
}

impl SessionActor {
    /// Writes the stop down, then ends programs, collects and removes; answers when the session is `stopping`. Where that cannot be
    /// written down the session stays as it is, and the answer is the error. `unattended`: nobody is there who could be asked what to do with
    /// what cannot be collected.
    pub(super) fn begin_stop(
        &mut self,
        reason: String,
        unattended: bool,
        ctx: &mut Context<Self>,
    ) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        let live = match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Live(live) => live,
            other => {
                self.phase = other;
                return self.answer_session();
            }
        };
        self.call_off();
        let stop = Stop { reason, deadline: Instant::now() + COLLECT_PATIENCE, attempt: 0, discard: false, unattended };
        self.phase = Phase::Stopping(live, stop);
        if self.session.as_ref().is_none_or(|session| session.state == SessionState::Stopping) {
            self.collect(ctx);
            return self.answer_session();
        }
        let (db, lease) = (self.deps.db.clone(), self.lease.clone());
        let writing = async move {
            let connection = db.interactive().await?;
            Ok(db::sessions::transition(&connection, &lease, SessionEvent::Stop, None).await?)
        };
        Box::pin(writing.into_actor(self).map(move |row: Result<Option<Session>, SessionError>, actor, ctx| {
            match row {
                Ok(Some(row)) if matches!(actor.phase, Phase::Stopping(..)) => actor.take_row(row),
                // Deleted or died meanwhile, or written down already.
                Ok(_) => {}
                Err(error) => {
                    actor.back_to_live();
                    actor.start_again = false;
                    actor.resolve(&Ok(()));
                    return Err(error);
                }
            }
            actor.collect(ctx);
            actor.session.clone().ok_or(SessionError::NotFound)
        }))
    }

    /// The stop under way, if there is one, gives up what it cannot collect.
    pub(super) fn discard(&mut self) {
        if let Phase::Stopping(_, stop) = &mut self.phase {
            stop.discard = true;
        }
    }

    /// Ends programs and collects what they changed.
    fn collect(&mut self, ctx: &mut Context<Self>) {
        let sync = self.sync();
        let deleted = self.session.is_none();
        let Phase::Stopping(live, stop) = &self.phase else { return };
        let sandbox = live.sandbox.id();
        let left = stop.deadline.saturating_duration_since(Instant::now());
        let within = if deleted { FLUSH_TIMEOUT } else { left.max(FLUSH_TIMEOUT) };
        let link = live.link.as_deref().cloned();
        let collecting = async move {
            match link {
                Some(link) => collect(sync, link, within).await,
                None => Err(crate::link::LinkError::Closed.into()),
            }
        };
        ctx.spawn(collecting.into_actor(self).map(move |collected, actor, ctx| {
            actor.collected(sandbox, collected, ctx);
        }));
    }

    fn collected(&mut self, sandbox: SandboxId, collected: Result<(), SessionError>, ctx: &mut Context<Self>) {
        let deleted = self.session.is_none();
        // It may have died meanwhile.
        let Phase::Stopping(live, stop) = &mut self.phase else { return };
        if live.sandbox.id() != sandbox {
            return;
        }
        let Err(error) = collected else { return self.remove(ctx) };
        let attempt = stop.attempt;
        stop.attempt += 1;
        let linked = live.link.as_ref().is_some_and(|link| !link.is_closed());
        let fate = match stop {
            _ if deleted => Fate::Deleted,
            Stop { discard: true, .. } => Fate::GivenUp,
            Stop { unattended: true, .. } if live.sandbox.outlives_its_container() => Fate::Left,
            _ => Fate::Asked,
        };
        match after_failure(&error, fate, linked, Instant::now() >= stop.deadline) {
            Next::Remove => {
                tracing::warn!(session.id = %self.id, sandbox.id = %sandbox, error = %error, "a sandbox goes without its last changes");
                if stop.discard {
                    stop.reason.push_str(&format!("; what could not be saved was given up: {}", bare(&error)));
                }
                self.remove(ctx);
            }
            Next::Park => self.park(&error, ctx),
            Next::Keep => self.keep(&error, ctx),
            Next::Leave => self.leave(ctx),
            Next::Again => self.collect_again(&error, attempt, ctx),
        }
    }

    fn collect_again(&mut self, error: &SessionError, attempt: u32, ctx: &mut Context<Self>) {
        tracing::warn!(session.id = %self.id, attempt, error = %error, "the last changes of a sandbox cannot be collected now; trying again");
        if attempt == 0 {
            let text =
                format!("The last changes cannot be saved at the moment: {error}. Trying again before stopping.");
            self.tell(SessionNotice::Message { level: Level::Warning, text });
        }
        ctx.run_later(COLLECT_RETRY.pause(attempt), |actor, ctx| actor.collect(ctx));
    }

    /// Gives up stopping: the sandbox holds what the database does not have.
    fn keep(&mut self, error: &SessionError, ctx: &mut Context<Self>) {
        tracing::warn!(session.id = %self.id, error = %error, "a session cannot be stopped without losing changes, and goes on");
        let reason = format!("could not be stopped without losing changes: {error}");
        let text = format!("The session {reason}.");
        self.write_state(SessionEvent::StopFailed, Some(reason), ctx, move |actor, ctx, written| {
            if written.is_err() {
                // Its end can be written down as little as its going on: both are tried again.
                ctx.run_later(COLLECT_RETRY.most, |actor, ctx| actor.collect(ctx));
                return;
            }
            // Its user has given it up meanwhile.
            let given_up = match &actor.phase {
                Phase::Stopping(_, stop) if stop.discard => Some(stop.reason.clone()),
                _ => None,
            };
            actor.back_to_live();
            if let Some(reason) = given_up {
                actor.stop_by_itself(reason, false, ctx);
                return actor.discard();
            }
            actor.start_again = false;
            actor.resolve(&Ok(()));
            actor.tell(SessionNotice::Message { level: Level::Error, text });
        });
    }

    fn back_to_live(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Stopping(live, _) => Phase::Live(live),
            other => other,
        };
    }

    /// Hangs up and removes the sandbox, whose changes are collected.
    fn remove(&mut self, ctx: &mut Context<Self>) {
        let (live, stop) = match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Stopping(live, stop) => (live, stop),
            other => {
                self.phase = other;
                return;
            }
        };
        let Live { sandbox, link, door, claim, .. } = *live;
        ctx.cancel_future(door);
        let (db, lease, sync) = (self.deps.db.clone(), self.lease.clone(), self.sync());
        let removing = async move {
            hang_up(&sync, link).await;
            let sandbox_id = sandbox.id();
            sandbox.destroy().await;
            // A cold session's row forgets its sandbox by itself, a deleted one's does not.
            release(&db, &lease, sandbox_id).await;
        };
        ctx.spawn(removing.into_actor(self).map(move |(), actor, ctx| {
            drop(claim);
            actor.gone_cold(SessionEvent::Stopped, collected(&stop.reason), ctx);
        }));
    }

    /// They have gone with their sandbox.
    pub(super) fn forget_terminals(&mut self) {
        self.terminals.clear();
        self.tell(SessionNotice::Terminals(Vec::new()));
    }

    pub(super) fn gone_cold(&mut self, event: SessionEvent, reason: String, ctx: &mut Context<Self>) {
        self.forget_terminals();
        self.settle(event, reason, None, 0, ctx);
    }

    /// Writes down that this actor has no sandbox any more, again and again until that has worked; a start asked for meanwhile comes after
    /// it. `unsaved`: what that has left, and nobody is to look at again before its user does.
    pub(super) fn settle(
        &mut self,
        event: SessionEvent,
        reason: String,
        unsaved: Option<String>,
        attempt: u32,
        ctx: &mut Context<Self>,
    ) {
        self.phase = Phase::Closing;
        if let Some(sync) = &self.sync {
            // A full mailbox means writes that will fail by themselves.
            sync.try_send(sync::Disconnect).ok();
        }
        let again = (reason.clone(), unsaved.clone());
        self.write(event, Some(reason), unsaved, ctx, move |actor, ctx, written| {
            // No such row any more is as good as written.
            if !matches!(written, Ok(()) | Err(SessionError::NotFound)) {
                ctx.run_later(WRITE_RETRY.pause(attempt), move |actor, ctx| {
                    let (reason, unsaved) = again;
                    actor.settle(event, reason, unsaved, attempt.saturating_add(1), ctx);
                });
                return;
            }
            actor.phase = Phase::Idle;
            let kept = actor.session.as_ref().is_some_and(|session| session.sandbox.is_some());
            if let Some(sync) = actor.sync.as_ref().filter(|_| !kept) {
                ctx.spawn(sync.send(sync::Release).into_actor(actor).map(|_, _, _| ()));
            }
            actor.after_deletion(ctx);
            actor.settled();
            if std::mem::take(&mut actor.start_again) || !actor.waiters.is_empty() {
                ctx.spawn(actor.begin_start(Former::Adopt).map(|_, _, _| ()));
            }
        });
    }

    /// Writes a change of state down and takes the row over; `then` learns whether that worked.
    pub(super) fn write_state(
        &mut self,
        event: SessionEvent,
        reason: Option<String>,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>, Result<(), SessionError>) + 'static,
    ) {
        self.write(event, reason, None, ctx, then);
    }

    fn write(
        &mut self,
        event: SessionEvent,
        reason: Option<String>,
        unsaved: Option<String>,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>, Result<(), SessionError>) + 'static,
    ) {
        let (db, lease) = (self.deps.db.clone(), self.lease.clone());
        let writing = async move {
            let (connection, reason) = (db.interactive().await?, reason.as_deref());
            Ok(match unsaved {
                Some(unsaved) => db::sessions::park(&connection, &lease, reason, &unsaved).await?,
                None => db::sessions::transition(&connection, &lease, event, reason).await?,
            })
        };
        ctx.spawn(writing.into_actor(self).map(move |row: Result<Option<Session>, SessionError>, actor, ctx| {
            let written = match row {
                Ok(Some(row)) => {
                    actor.take_row(row);
                    Ok(())
                }
                Ok(None) => Err(SessionError::NotFound),
                Err(error) => {
                    tracing::error!(session.id = %actor.id, session.event = ?event, error = %error, "cannot write down a session's state");
                    Err(error)
                }
            };
            then(actor, ctx, written);
        }));
    }
}

/// Ends programs, then brings everything they changed into the database.
async fn collect(sync: Addr<WorkspaceSyncActor>, link: AgentLink, within: Duration) -> Result<(), SessionError> {
    match tokio::time::timeout(END_TIMEOUT, link.command(Request::EndPrograms)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %error, "a sandbox's programs cannot be ended before collecting"),
        Err(_) => tracing::warn!("a sandbox's programs have not ended in time"),
    }
    match tokio::time::timeout(within, sync.send(sync::Flush)).await {
        Ok(flushed) => flushed.unwrap_or(Err(SessionError::Busy)),
        Err(_) => Err(SessionError::Unavailable("collecting them takes too long".into())),
    }
}

/// Says goodbye to an agent, whose changes are collected.
pub(super) async fn hang_up(sync: &Addr<WorkspaceSyncActor>, link: Option<OwnedLink>) {
    sync.try_send(sync::Disconnect).ok();
    if let Some(link) = link {
        tokio::time::timeout(GOODBYE_TIMEOUT, link.command(Request::Shutdown)).await.ok();
        link.close();
    }
}

/// Writes down that a session no longer has this sandbox.
pub(super) async fn release(db: &db::Db, lease: &Lease, sandbox: SandboxId) {
    let releasing = async { db::sessions::release_sandbox(&db.interactive().await?, lease, sandbox).await };
    if let Err(error) = releasing.await {
        tracing::warn!(session.id = %lease.session(), error = %error, "cannot write down that a sandbox is gone; the next load will find it");
    }
}
