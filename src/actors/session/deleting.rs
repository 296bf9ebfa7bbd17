//! Deleting a session.
//!
//! ```text
//!   no sandbox ──────────────────────────────────────────────────▶ deleted
//!   live ── collected ── stopped: programs ended, collected ──▶ (looked at again)
//!   a dead sandbox's volume ── brought back, collected ───▶ (looked at again)
//!   on its way up or down ── when it is there ────────────▶ (looked at again)
//!   there is no room for it, or it cannot be collected ──────────▶ refused; where its user gives it up: deleted
//! ```
//!
//! **Invariants**: what a sandbox holds goes with its session only when it is in the database, or when its user says so: who has the session
//! back finds the files it had, and what its programs wrote while they were ended. Programs are ended only where nothing is known that would
//! have the deletion refused.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::wishes::ended;
use super::{Duration, Instant, Phase, SessionActor, SessionError, SessionNotice, SessionState, db, sync};

/// Deletions that may wait for what is under way with a session's sandbox.
const MAX_DELETERS: usize = 8;

/// How long a deletion waits for what programs have written: for less time than whoever asked waits for its answer, so that nothing is
/// deleted that was said not to be.
const COLLECT_PATIENCE: Duration = Duration::from_secs(45);

/// The same where its user gives that up.
const DISCARD_PATIENCE: Duration = Duration::from_secs(3);

/// Delete it. The reply comes when it is gone for its user; the sandbox goes after that, the row and the files later.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct DeleteSession {
    /// Give up what cannot be collected. Without it such a session stays: [`SessionError::NotSaved`], [`SessionError::Uncollected`].
    pub discard: bool,
}

/// A deletion that gives nothing up.
#[derive(Clone, Copy)]
struct Deletion {
    until: Instant,
    /// Its sandbox was stopped, or brought back: that is done once.
    tried: bool,
}

type Deleting = ResponseActFuture<SessionActor, Result<(), SessionError>>;

impl Handler<DeleteSession> for SessionActor {
    type Result = Deleting;

    fn handle(&mut self, DeleteSession { discard }: DeleteSession, _: &mut Self::Context) -> Self::Result {
        self.used();
        if !discard {
            let deletion = Deletion { until: Instant::now() + COLLECT_PATIENCE, tried: false };
            return self.delete_collected(deletion);
        }
        let collecting = self.sync.clone().filter(|_| self.live().is_some());
        let collecting = async move {
            if let Some(sync) = collecting {
                tokio::time::timeout(DISCARD_PATIENCE, sync.send(sync::Flush)).await.ok();
            }
        };
        Box::pin(collecting.into_actor(self).then(|(), actor, _| actor.mark_deleted()))
    }
}

impl SessionActor {
    /// Deletes it once what its sandbox holds is in the database.
    fn delete_collected(&mut self, deletion: Deletion) -> Deleting {
        match self.phase {
            _ if self.session.is_none() => Box::pin(fut::err(SessionError::NotFound)),
            Phase::Idle if self.unreached().is_some() => self.refuse_deletion(self.uncollected()),
            Phase::Idle if self.has_remains() => match self.parked() {
                Some(unsaved) => self.refuse_deletion(SessionError::NotSaved(unsaved.to_owned())),
                None if deletion.tried => self.refuse_deletion(self.uncollected()),
                None => {
                    let salvaging = self.begin_unattended_salvage();
                    self.delete_after(salvaging, deletion)
                }
            },
            // Somebody has opened it again, or it could not be stopped.
            Phase::Live(_) if deletion.tried => {
                let reason = self.session.as_ref().and_then(|session| session.reason.clone());
                let reason = reason.unwrap_or_else(|| "somebody has opened it again".into());
                let error = self.unsaved().unwrap_or(SessionError::Uncollected(reason));
                self.refuse_deletion(error)
            }
            Phase::Live(_) if self.is_collecting => self.delete_later(deletion),
            Phase::Live(_) => self.collect_and_delete(deletion),
            Phase::Opening if self.is_adopting() => self.delete_later(deletion),
            Phase::Stopping(..) | Phase::Closing => self.delete_later(deletion),
            // Nobody has worked in what is on its way.
            Phase::Idle | Phase::Loading | Phase::Opening => self.mark_deleted(),
        }
    }

    fn collect_and_delete(&mut self, deletion: Deletion) -> Deleting {
        self.is_collecting = true;
        let sync = self.sync();
        let within = deletion.until.saturating_duration_since(Instant::now());
        let collecting = async move {
            match tokio::time::timeout(within, sync.send(sync::Flush)).await {
                Ok(flushed) => flushed.unwrap_or_else(|_| Err(ended())),
                Err(_) => Err(SessionError::Unavailable("that takes too long".into())),
            }
        };
        Box::pin(collecting.into_actor(self).then(move |collected, actor: &mut Self, ctx| {
            actor.is_collecting = false;
            match collected {
                // It has ended meanwhile, or is about to.
                _ if !matches!(actor.phase, Phase::Live(_)) => actor.delete_collected(deletion),
                // What is written all the time holds still once its program has ended.
                Ok(()) | Err(SessionError::Busy) => {
                    let stopping = actor.begin_stop("stopped to be deleted".into(), false, ctx);
                    actor.delete_after(stopping, deletion)
                }
                Err(error) => {
                    // Who has waited for this asks again.
                    actor.settled();
                    actor.refuse_deletion(match error {
                        error @ SessionError::NotSaved(_) => error,
                        error => SessionError::Uncollected(error.to_string()),
                    })
                }
            }
        }))
    }

    /// Looks again when what was just `begun` has ended.
    fn delete_after<T: 'static>(
        &mut self,
        begun: ResponseActFuture<Self, Result<T, SessionError>>,
        deletion: Deletion,
    ) -> Deleting {
        Box::pin(begun.then(move |begun, actor: &mut Self, _| match begun {
            Ok(_) => actor.delete_later(Deletion { tried: true, ..deletion }),
            Err(error) => actor.refuse_deletion(SessionError::Uncollected(error.to_string())),
        }))
    }

    /// Looks again when what is under way with its sandbox has ended.
    fn delete_later(&mut self, deletion: Deletion) -> Deleting {
        self.deleters.retain(|deleter| !deleter.is_closed());
        if self.deleters.len() >= MAX_DELETERS {
            return self.refuse_deletion(SessionError::Busy);
        }
        let (deleter, settled) = oneshot::channel();
        self.deleters.push(deleter);
        let waiting = async move { tokio::time::timeout_at(deletion.until.into(), settled).await };
        Box::pin(waiting.into_actor(self).then(move |settled, actor: &mut Self, _| match settled {
            Ok(Ok(())) => actor.delete_collected(deletion),
            Ok(Err(_)) => Box::pin(fut::err(ended())),
            Err(_) => actor.refuse_deletion(SessionError::Uncollected("that takes too long".into())),
        }))
    }

    /// What was under way with its sandbox has ended, one way or the other.
    pub(super) fn settled(&mut self) {
        for deleter in self.deleters.drain(..) {
            deleter.send(()).ok();
        }
    }

    /// Why what its sandbox holds cannot be collected: the reason the session has.
    pub(super) fn uncollected(&self) -> SessionError {
        let reason = self.session.as_ref().and_then(|session| session.reason.clone());
        SessionError::Uncollected(reason.unwrap_or_else(|| "its sandbox cannot be reached".into()))
    }

    fn refuse_deletion(&mut self, error: SessionError) -> Deleting {
        self.tally.refused += 1;
        Box::pin(fut::err(error))
    }

    fn mark_deleted(&mut self) -> Deleting {
        let (db, lease, days) = (self.deps.db.clone(), self.lease.clone(), self.deps.config.workspace.undelete_days);
        let deleting = async move {
            let connection = db.interactive().await?;
            Ok(db::sessions::mark_deleted(&connection, &lease, days).await?)
        };
        Box::pin(deleting.into_actor(self).map(|deleted: Result<bool, SessionError>, actor: &mut Self, ctx| {
            if !deleted? {
                return Err(SessionError::NotFound);
            }
            let remains = actor.session.take().and_then(|session| session.sandbox);
            actor.start_again = false;
            actor.resolve(&Err(SessionError::NotFound));
            actor.tell(SessionNotice::State { state: SessionState::Deleted, reason: None });
            match actor.phase {
                Phase::Live(_) => {
                    let stopping = actor.begin_stop("deleted".into(), true, ctx);
                    ctx.spawn(stopping.map(|_, _, _| ()));
                }
                Phase::Idle => match remains {
                    Some(remains) => actor.remove_remains(remains, ctx),
                    None => actor.after_deletion(ctx),
                },
                _ => {}
            }
            Ok(())
        }))
    }
}
