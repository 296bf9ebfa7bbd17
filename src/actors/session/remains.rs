//! What a dead sandbox has left: its volume, which may know more than the database.
//!
//! ```text
//!   live ── the sandbox dies ──▶ cold, and the row still names it ── somebody starts or writes ──▶ opening: brought back, ready
//!                                         └── nobody looks any more ──▶ stopping: brought back, collected, removed ──▶ cold
//!                                                                                               ├── no room: left (`unsaved.rs`)
//!                                                                                               └── no container comes up: failed
//! ```
//!
//! **Invariant**: while a cold session's row names a sandbox, and while one is brought back, nothing is written into the database alone: what
//! the sandbox left would overtake it. Nor is it while a failed one names a sandbox, which may run. Such a session's actor stays until that is settled.

use actix::prelude::*;

use super::obtain::discard;
use super::opening::Purpose;
use super::{
    Backoff, Duration, Instant, Phase, Session, SessionActor, SessionError, SessionEvent, SessionState, StopSession,
    WorkspaceSyncActor, db,
};
use crate::link::LinkError;
use crate::model::SandboxId;

/// What is said to who would write past a sandbox that runs and is not reached.
const UNREACHED: &str =
    "the session has failed, and its sandbox may hold what is newer: open it, or restart it to give that up";

/// What a session's user is told of a dead sandbox that has left its volume.
pub(super) const LEFT: &str = "all that was written in it is kept and comes back when you open the session";

/// How often what a dead sandbox has left is brought back by itself before that is left to whoever opens the session, or to the next server.
const SALVAGES: u32 = 3;

/// Pauses between these.
const SALVAGE_PAUSE: Backoff = Backoff { first: Duration::from_secs(60), most: Duration::from_secs(600) };

/// What was done by itself, since somebody last opened the session, to collect what a dead sandbox has left.
#[derive(Default)]
pub(super) struct Salvages {
    begun: u32,
    next: Option<Instant>,
}

impl Salvages {
    fn are_due(&self, now: Instant) -> bool {
        self.begun < SALVAGES && self.next.is_none_or(|next| now >= next)
    }

    fn begin(&mut self, now: Instant) {
        self.next = Some(now + SALVAGE_PAUSE.pause(self.begun));
        self.begun += 1;
    }
}

impl SessionActor {
    /// Whether what a dead sandbox has left is to be collected now: there is room for it, as far as is known.
    pub(super) fn has_work_left(&self) -> bool {
        self.has_remains() && self.parked().is_none() && self.salvages.are_due(Instant::now())
    }

    /// What a dead sandbox has left because there was no room for it.
    pub(super) fn parked(&self) -> Option<&str> {
        self.session.as_ref().filter(|_| self.has_remains())?.unsaved.as_deref()
    }

    /// Tells operators what lies on a volume for want of room, and will until its user opens the session.
    pub(super) fn log_what_is_left(&self) {
        if let (Some(unsaved), Some(sandbox)) =
            (self.parked(), self.session.as_ref().and_then(|session| session.sandbox))
        {
            tracing::info!(session.id = %self.id, sandbox.id = %sandbox, unsaved, "what could not be saved waits for its user");
        }
    }

    /// Whether a dead sandbox has left what is to be brought back, or collected.
    pub(super) fn has_remains(&self) -> bool {
        let left = |session: &Session| session.state == SessionState::Cold && session.sandbox.is_some();
        matches!(self.phase, Phase::Idle) && self.session.as_ref().is_some_and(left)
    }

    /// The sandbox nobody tries to reach, since its session has failed: it may still run.
    pub(super) fn unreached(&self) -> Option<SandboxId> {
        let session = self.session.as_ref().filter(|session| session.state == SessionState::Failed)?;
        session.sandbox.filter(|_| matches!(self.phase, Phase::Idle))
    }

    /// Whether what a sandbox holds is about to be believed over the database.
    pub(super) fn is_adopting(&self) -> bool {
        let named = |session: &Session| session.sandbox.is_some();
        matches!(self.phase, Phase::Opening) && self.session.as_ref().is_some_and(named)
    }

    /// Its WorkspaceSyncActor, where a write would not be overtaken by what a sandbox holds that cannot be reached.
    pub(super) fn workspace(&mut self) -> Result<Addr<WorkspaceSyncActor>, SessionError> {
        if self.session.is_none() {
            return Err(SessionError::NotFound);
        }
        if let Phase::Live(live) = &self.phase
            && live.link.is_none()
        {
            // A write into the database alone would be overtaken by what the sandbox still holds.
            self.tally.refused += 1;
            return Err(LinkError::Closed.into());
        }
        if self.unreached().is_some() {
            // The same, and no agent is waited for.
            self.tally.refused += 1;
            return Err(SessionError::Unavailable(UNREACHED.into()));
        }
        if matches!(self.phase, Phase::Stopping(..) | Phase::Closing) {
            return Err(SessionError::NotReady { state: SessionState::Stopping });
        }
        Ok(self.sync())
    }

    /// Brings back what a dead sandbox has left, to collect and to remove it; answers when the session is `stopping`.
    pub(super) fn begin_salvage(
        &mut self,
        stop: StopSession,
    ) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        self.phase = Phase::Opening;
        let (db, lease) = (self.deps.db.clone(), self.lease.clone());
        let writing = async move {
            let connection = db.interactive().await?;
            db::sessions::transition(&connection, &lease, SessionEvent::Stop, None).await?.ok_or(SessionError::NotFound)
        };
        Box::pin(writing.into_actor(self).map(move |row: Result<Session, SessionError>, actor, ctx| {
            // Those who asked for a start meanwhile get it afterwards.
            actor.start_again = !actor.starters.is_empty();
            for starter in actor.starters.drain(..) {
                starter.send(row.clone()).ok();
            }
            match &row {
                Ok(row) => {
                    if stop.unattended {
                        actor.salvages.begin(Instant::now());
                    }
                    actor.take_row(row.clone());
                    actor.stop_asked = Some(stop);
                    match row.sandbox {
                        Some(sandbox) => actor.begin_adoption(sandbox, Purpose::Collect, ctx),
                        None => actor.gone_cold(SessionEvent::Stopped, row.reason.clone().unwrap_or_default(), ctx),
                    }
                }
                Err(error) => {
                    actor.phase = Phase::Idle;
                    (actor.stop_asked, actor.start_again) = (None, false);
                    actor.resolve(&Err(error.clone()));
                    actor.after_deletion(ctx);
                }
            }
            row
        }))
    }

    /// The same because nobody looks at the session any more.
    pub(super) fn salvage_by_itself(&mut self, ctx: &mut Context<Self>) {
        let salvaging = self.begin_unattended_salvage();
        ctx.spawn(salvaging.map(|_, _, _| ()));
    }

    /// The same: what there is no room for stays where it is, and the session is as cold as it was.
    pub(super) fn begin_unattended_salvage(&mut self) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        let reason = self.session.as_ref().and_then(|session| session.reason.clone()).unwrap_or_default();
        self.begin_salvage(StopSession { reason, start_again: false, discard: false, unattended: true })
    }

    /// Removes a sandbox that cannot be had, with all it holds: its user gives that up. The session is then cold for this `reason`; where the
    /// sandbox cannot be removed it stays.
    pub(super) fn give_up(
        &mut self,
        sandbox: SandboxId,
        reason: String,
    ) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        tracing::warn!(session.id = %self.id, sandbox.id = %sandbox, "a sandbox goes without its last changes");
        self.phase = Phase::Closing;
        let (deps, lease) = (self.deps.clone(), self.lease.clone());
        let removing = async move { discard(&deps, &lease, sandbox).await };
        Box::pin(removing.into_actor(self).map(move |removed, actor, ctx| {
            if let Err(error) = removed {
                actor.phase = Phase::Idle;
                actor.settled();
                return Err(error);
            }
            let reason = format!("{reason}; what its sandbox held and was not saved was given up");
            actor.gone_cold(SessionEvent::SandboxLost, reason, ctx);
            actor.session.clone().ok_or(SessionError::NotFound)
        }))
    }

    /// Removes what a dead sandbox of a deleted session has left.
    pub(super) fn remove_remains(&mut self, sandbox: SandboxId, ctx: &mut Context<Self>) {
        self.phase = Phase::Closing;
        let (deps, lease) = (self.deps.clone(), self.lease.clone());
        let removing = async move { discard(&deps, &lease, sandbox).await };
        ctx.spawn(removing.into_actor(self).map(move |removed, actor, ctx| {
            if let Err(error) = removed {
                tracing::warn!(sandbox.id = %sandbox, error = %error, "cannot remove a sandbox; the sweep will try again");
            }
            actor.phase = Phase::Idle;
            actor.after_deletion(ctx);
        }));
    }
}

/// The reason a session is cold, once what its dead sandbox had left was collected.
pub(super) fn collected(reason: &str) -> String {
    reason.replace(LEFT, "all that was written in it was saved afterwards")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_collected_is_tried_less_and_less_often_and_then_no_more() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut salvages = Salvages::default();
        assert!(salvages.are_due(begin));
        for (now, next) in [(0, 60), (60, 180), (180, 420)] {
            salvages.begin(at(now));
            assert!(!salvages.are_due(at(next - 1)));
            assert_eq!(salvages.are_due(at(next)), next < 420, "{next}");
        }
        assert!(!salvages.are_due(at(1_000_000)));
    }

    #[test]
    fn a_reason_promises_nothing_that_has_been_done() {
        for (reason, expected) in [
            (
                format!("ended (exit code 137); {LEFT}"),
                "ended (exit code 137); all that was written in it was saved afterwards",
            ),
            ("out of memory: python3, 512 MiB".to_owned(), "out of memory: python3, 512 MiB"),
        ] {
            assert_eq!(collected(&reason), expected);
        }
    }
}
