//! From a row to a sandbox that holds the files: a new one, or one that runs already.
//!
//! **Invariants**: a sandbox that runs and was once restored is never removed from here, unless its user gives it up: it may hold what
//! the database does not have yet. Whatever keeps this actor from it (the engine, the socket, a silent agent) is tried again for
//! [`ADOPTION_PATIENCE`]; then the session is `failed`, still names its sandbox, and the next start tries to adopt it again. A restart with
//! `discard` gives it up: it is removed and another restored. One that the engine says has ended is removed, unless it has left its volume:
//! then the next start brings it back in another container, with all its programs wrote. Where nobody starts it, what it has left is brought
//! back once to be collected, and then goes (`remains.rs`).

use actix::prelude::*;

use super::obtain::{Found, Opened, Refusal, Reporter, adopt, open};
use super::remains::{LEFT, Salvages};
use super::{
    Backoff, Duration, Instant, Level, Live, Phase, Progress, Session, SessionActor, SessionError, SessionEvent,
    SessionNotice, SessionState, Stage, WRITE_RETRY, db,
};
use crate::model::SandboxId;

/// How long it is tried to adopt a sandbox that runs: a restart of the engine or the database is over by then.
const ADOPTION_PATIENCE: Duration = Duration::from_secs(120);

/// Pauses before another try.
const ADOPTION_RETRY: Backoff = Backoff { first: Duration::from_millis(250), most: Duration::from_secs(10) };

/// What a user can do about a sandbox whose session has failed.
const ESCAPE: &str = "opening the session tries again, restarting it without saving gives up what was not saved";

/// What is to become of the sandbox a row names when its session is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Former {
    /// It is adopted if it runs, and brought back if it has left something.
    Adopt,
    /// It is removed, with what was not collected: its user gives it up.
    Discard,
}

/// What an adoption is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An actor finds out what it has taken over.
    Resume,
    /// Somebody asked for a start: where the sandbox has ended, it is brought back, or another is made.
    Start,
    /// What a dead sandbox has left is to be collected.
    Collect,
}

/// One adoption, however often it is tried.
#[derive(Clone, Copy)]
struct Adoption {
    sandbox: SandboxId,
    since: Instant,
    attempt: u32,
    purpose: Purpose,
}

impl SessionActor {
    /// Reads the row and brings the sandbox, if there should be one, under this actor.
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        let (db, id) = (self.deps.db.clone(), self.id);
        let reading = async move {
            let connection = db.interactive().await?;
            db::sessions::get(&connection, id).await
        };
        ctx.wait(reading.into_actor(self).map(|row: Result<Option<Session>, db::DbError>, actor, ctx| match row {
            Ok(Some(row)) => {
                let (sandbox, state) = (row.sandbox, row.state);
                actor.session = Some(row);
                match (sandbox, state) {
                    // They wait for their user: a failed one with its sandbox if it has one, a cold one with what that has left.
                    (_, SessionState::Failed | SessionState::Cold) => {
                        actor.phase = Phase::Idle;
                        actor.log_what_is_left();
                    }
                    (Some(sandbox), _) => actor.begin_adoption(sandbox, Purpose::Resume, ctx),
                    (None, _) => actor.gone_cold(
                        SessionEvent::SandboxLost,
                        "the server was restarted before the sandbox was ready".into(),
                        ctx,
                    ),
                }
            }
            Ok(None) => {
                // Deleted or never there: whoever asks is told so, and the actor ends when nobody does.
                actor.phase = Phase::Idle;
            }
            Err(error) => {
                tracing::warn!(session.id = %actor.id, error = %error, "cannot read a session's row");
                // Whoever asked tries again and gets a new actor.
                actor.exit.normal();
                ctx.stop();
            }
        }));
    }

    /// Writes down that the session is starting, and starts it. Where that cannot be written down, everybody who waits for it learns why.
    pub(super) fn begin_start(&mut self, former: Former) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        if self.session.is_none() {
            return Box::pin(fut::err(SessionError::NotFound));
        }
        self.phase = Phase::Opening;
        self.salvages = Salvages::default();
        let (db, lease) = (self.deps.db.clone(), self.lease.clone());
        let writing = async move {
            let connection = db.interactive().await?;
            db::sessions::transition(&connection, &lease, SessionEvent::Start, None)
                .await?
                .ok_or(SessionError::NotFound)
        };
        Box::pin(writing.into_actor(self).map(move |row: Result<Session, SessionError>, actor, ctx| {
            for starter in actor.starters.drain(..) {
                starter.send(row.clone()).ok();
            }
            match row {
                Ok(row) => {
                    actor.take_row(row.clone());
                    match row.sandbox {
                        Some(sandbox) if former == Former::Adopt => actor.begin_adoption(sandbox, Purpose::Start, ctx),
                        former => actor.begin_open(former, ctx),
                    }
                    Ok(row)
                }
                Err(error) => {
                    actor.phase = Phase::Idle;
                    (actor.stop_asked, actor.start_again) = (None, false);
                    actor.resolve(&Err(error.clone()));
                    actor.after_deletion(ctx);
                    Err(error)
                }
            }
        }))
    }

    /// Opens a sandbox in the place of `former`, which is given up.
    fn begin_open(&mut self, former: Option<SandboxId>, ctx: &mut Context<Self>) {
        let opening = open(self.deps.clone(), self.lease.clone(), former, self.sync(), self.reporter(ctx));
        ctx.spawn(opening.into_actor(self).map(|opened, actor, ctx| actor.opened(opened, ctx)));
    }

    pub(super) fn begin_adoption(&mut self, sandbox: SandboxId, purpose: Purpose, ctx: &mut Context<Self>) {
        self.phase = Phase::Opening;
        let adoption = Adoption { sandbox, since: Instant::now(), attempt: 0, purpose };
        let adopting = self.adopt(adoption, ctx);
        if purpose == Purpose::Resume {
            // Whoever asks meanwhile waits: before its agent has called, nobody knows what the sandbox holds.
            let excused = self.exit.watch().excused("adopting its sandbox");
            ctx.wait(adopting.map(move |(), _, _| drop(excused)));
        } else {
            ctx.spawn(adopting);
        }
    }

    fn adopt(&mut self, adoption: Adoption, ctx: &Context<Self>) -> impl ActorFuture<Self, Output = ()> + 'static {
        let sandbox = adoption.sandbox;
        let revive = adoption.purpose != Purpose::Resume;
        let adopting = adopt(self.deps.clone(), self.lease.clone(), sandbox, revive, self.sync(), self.reporter(ctx));
        adopting.into_actor(self).map(move |found, actor: &mut Self, ctx: &mut Context<Self>| match found {
            Ok(Found::Runs(opened)) => actor.opened(Ok(*opened), ctx),
            Err(Refusal::Now(why)) if actor.waits_for(adoption.purpose) && adoption.since.elapsed() < ADOPTION_PATIENCE => {
                tracing::warn!(session.id = %actor.id, sandbox.id = %sandbox, why, "cannot adopt a sandbox now; trying again");
                ctx.run_later(ADOPTION_RETRY.pause(adoption.attempt), move |actor, ctx| {
                    let next = Adoption { attempt: adoption.attempt.saturating_add(1), ..adoption };
                    let adopting = actor.adopt(next, ctx);
                    ctx.spawn(adopting);
                });
            }
            Ok(Found::Gone(lost)) if adoption.purpose == Purpose::Start => {
                if let Some(why) = lost {
                    let text = format!("What was not saved when the last sandbox ended is lost: {why}");
                    actor.tell(SessionNotice::Message { level: Level::Warning, text });
                }
                actor.begin_open(Some(sandbox), ctx);
            }
            Ok(Found::Gone(lost)) => {
                actor.stop_asked = None;
                let reason = match lost {
                    Some(why) => format!("its sandbox had ended; your saved files are all here, the rest is lost: {why}"),
                    None => "its sandbox had ended while the server was away; your saved files are all here".into(),
                };
                actor.gone_cold(SessionEvent::SandboxLost, reason, ctx);
            }
            Ok(Found::Left) => actor.gone_cold(
                SessionEvent::SandboxKept,
                format!("its sandbox had ended while the server was away; {LEFT}"),
                ctx,
            ),
            Err(Refusal::Now(why) | Refusal::Never(why)) => actor.refused(sandbox, unreachable_now(&why), ctx),
            Err(Refusal::Kept(why)) => actor.refused(sandbox, kept_for_now(&why), ctx),
            Err(Refusal::Broken(error)) => actor.opened(Err(error), ctx),
        })
    }

    /// Whether it is worth waiting for a sandbox that is on its way: the session is not deleted; nor to be stopped, unless what it holds is
    /// to be collected, if only it can be.
    fn waits_for(&self, purpose: Purpose) -> bool {
        let wanted = self.stop_asked.as_ref().is_none_or(|stop| stop.discard);
        self.session.is_some() && (purpose == Purpose::Collect || wanted)
    }

    /// What a sandbox holds cannot be had: that stays, and the session has failed for this `reason`, unless its user gives it up.
    fn refused(&mut self, sandbox: SandboxId, reason: String, ctx: &mut Context<Self>) {
        let Some(stop) = self.stop_asked.take_if(|stop| stop.discard) else {
            return self.opened(Err(SessionError::StartFailed(reason)), ctx);
        };
        let giving_up = self.give_up(sandbox, stop.reason);
        ctx.spawn(giving_up.map(|given_up, actor, ctx| {
            if let Err(error) = given_up {
                actor.failed(error, ctx);
            }
        }));
    }

    /// A start or an adoption has ended.
    fn opened(&mut self, opened: Result<Opened, SessionError>, ctx: &mut Context<Self>) {
        let Opened { sandbox, claim, door, caller } = match opened {
            Ok(opened) => opened,
            Err(error) => return self.failed(error, ctx),
        };
        let door = ctx.add_stream(door);
        self.phase =
            Phase::Live(Box::new(Live { sandbox, link: None, link_number: 0, door, out_of_memory: None, claim }));
        self.lifetime_begins();
        self.take_call(caller, ctx);
        let asked = self.stop_asked.take();
        let discard = asked.as_ref().is_some_and(|stop| stop.discard);
        match (self.session.as_ref().map(|session| session.state), asked) {
            // Told to stop while it was on its way.
            (_, Some(stop)) => self.stop_by_itself(stop.reason, stop.unattended, ctx),
            // Deleted meanwhile, or a stop had been begun by a server that was away since.
            (None | Some(SessionState::Stopping), None) => {
                self.stop_by_itself("stopped while the server was away".into(), true, ctx)
            }
            (Some(_), None) => self.become_ready(0, ctx),
        }
        if discard {
            self.discard();
        }
    }

    /// Writes down, again and again until that has worked, that the sandbox holds the files.
    fn become_ready(&mut self, attempt: u32, ctx: &mut Context<Self>) {
        if !matches!(self.phase, Phase::Live(_)) {
            return;
        }
        if self.session.as_ref().is_some_and(|session| session.state == SessionState::Ready) {
            self.resolve(&Ok(()));
            return self.tell(SessionNotice::Progress(Progress { stage: Stage::Ready, done: None, total: None }));
        }
        self.write_state(SessionEvent::Restored, None, ctx, move |actor, ctx, written| match written {
            Ok(()) => actor.become_ready(0, ctx),
            Err(SessionError::NotFound) => {
                actor.stop_by_itself("it could not be written down as ready".into(), true, ctx)
            }
            Err(_) => {
                ctx.run_later(WRITE_RETRY.pause(attempt), move |actor, ctx| {
                    actor.become_ready(attempt.saturating_add(1), ctx)
                });
            }
        });
    }

    /// Stops a session nobody waits for the stopping of. Where that cannot be written down, it becomes ready first. `unattended`: as for
    /// [`SessionActor::begin_stop`].
    pub(super) fn stop_by_itself(&mut self, reason: String, unattended: bool, ctx: &mut Context<Self>) {
        let stopping = self.begin_stop(reason, unattended, ctx);
        ctx.spawn(stopping.map(|stopping, actor, ctx| {
            if stopping.is_err() {
                actor.become_ready(0, ctx);
            }
        }));
    }

    pub(super) fn failed(&mut self, error: SessionError, ctx: &mut Context<Self>) {
        self.terminals.clear();
        let reason = match error {
            SessionError::StartFailed(reason) => reason,
            error => error.to_string(),
        };
        tracing::warn!(session.id = %self.id, reason, "a session could not be started, or goes no further");
        (self.stop_asked, self.start_again) = (None, false);
        self.resolve(&Err(SessionError::StartFailed(reason.clone())));
        self.settle(SessionEvent::Fail, reason, None, 0, ctx);
    }

    /// A way for a start to say how far it is.
    fn reporter(&self, ctx: &Context<Self>) -> Reporter {
        Reporter::new(ctx.address())
    }
}

/// What a session's user is told when its sandbox runs but this server cannot get at it.
pub(super) fn unreachable_now(why: &str) -> String {
    format!("its sandbox cannot be reached ({why}); all it holds is kept: {ESCAPE}")
}

/// The same when it has ended, and no container comes up on the volume it has left.
fn kept_for_now(why: &str) -> String {
    format!("its sandbox had ended and cannot be brought back ({why}); all that was written in it is kept: {ESCAPE}")
}

/// How far a start is, told to the actor and through it to the pages.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Reached(pub(super) Progress);

impl Handler<Reached> for SessionActor {
    type Result = ();

    fn handle(&mut self, Reached(progress): Reached, _: &mut Context<Self>) {
        if matches!(self.phase, Phase::Opening) {
            self.progress = Some(progress);
            self.tell(SessionNotice::Progress(progress));
        }
    }
}
