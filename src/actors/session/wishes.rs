//! What is asked of a session's life: to start, to stop, to be ready. The last wish counts.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::opening::Former;
use super::{
    AwaitReady, MAX_WAITERS, Phase, Session, SessionActor, SessionError, SessionState, StartSession, StopSession,
};

impl Handler<StartSession> for SessionActor {
    type Result = ResponseActFuture<Self, Result<Session, SessionError>>;

    fn handle(&mut self, _: StartSession, _: &mut Self::Context) -> Self::Result {
        self.used();
        self.wishes += 1;
        match self.phase {
            Phase::Idle => self.begin_start(Former::Adopt),
            Phase::Stopping(..) | Phase::Closing => {
                self.start_again = true;
                self.answer_session()
            }
            Phase::Opening if !self.is_written_starting() => {
                (self.stop_asked, self.start_again) = (None, false);
                let (starter, started) = oneshot::channel();
                self.starters.push(starter);
                Box::pin(async { started.await.unwrap_or_else(|_| Err(ended())) }.into_actor(self))
            }
            // What a dead sandbox has left is being collected.
            Phase::Opening if self.is_written_stopping() => {
                self.start_again = true;
                self.answer_session()
            }
            Phase::Opening => {
                (self.stop_asked, self.start_again) = (None, false);
                self.answer_session()
            }
            _ => self.answer_session(),
        }
    }
}

impl Handler<StopSession> for SessionActor {
    type Result = ResponseActFuture<Self, Result<Session, SessionError>>;

    fn handle(&mut self, stop: StopSession, ctx: &mut Self::Context) -> Self::Result {
        self.used();
        self.wishes += 1;
        if self.is_to_be_checked(&stop) { self.stop_if_saved(stop) } else { self.stop(stop, ctx) }
    }
}

impl Handler<AwaitReady> for SessionActor {
    type Result = ResponseActFuture<Self, Result<(), SessionError>>;

    fn handle(&mut self, _: AwaitReady, ctx: &mut Self::Context) -> Self::Result {
        self.used();
        let Some(session) = &self.session else { return Box::pin(fut::err(SessionError::NotFound)) };
        if session.state == SessionState::Ready && matches!(self.phase, Phase::Live(_)) {
            return Box::pin(fut::ok(()));
        }
        if self.waiters.len() >= MAX_WAITERS {
            self.tally.refused += 1;
            return Box::pin(fut::err(SessionError::Busy));
        }
        let (waiter, waiting) = oneshot::channel();
        self.waiters.push(waiter);
        match self.phase {
            Phase::Idle => {
                ctx.spawn(self.begin_start(Former::Adopt).map(|_, _, _| ()));
            }
            Phase::Stopping(..) | Phase::Closing => self.start_again = true,
            Phase::Opening if self.is_written_stopping() => self.start_again = true,
            Phase::Opening => (self.stop_asked, self.start_again) = (None, false),
            _ => {}
        }
        Box::pin(async { waiting.await.unwrap_or_else(|_| Err(ended())) }.into_actor(self))
    }
}

impl SessionActor {
    /// Does as a wish to stop says.
    pub(super) fn stop(
        &mut self,
        stop: StopSession,
        ctx: &mut Context<Self>,
    ) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        match self.phase {
            // What a dead sandbox has left nobody has given up yet.
            Phase::Idle if stop.start_again && self.has_remains() && !stop.discard => {
                return self.begin_start(Former::Adopt);
            }
            // What one holds that cannot be reached, neither.
            Phase::Idle if stop.start_again && self.unreached().is_some() && !stop.discard => {
                self.tally.refused += 1;
                return Box::pin(fut::err(self.uncollected()));
            }
            Phase::Idle if stop.start_again => return self.begin_start(Former::Discard),
            Phase::Idle
                if stop.discard
                    && let Some(sandbox) = self.unreached() =>
            {
                return self.give_up(sandbox, stop.reason);
            }
            // What still cannot be saved stays where it is: nobody wants the session to run.
            Phase::Idle if self.has_remains() => {
                return self.begin_salvage(StopSession { unattended: true, ..stop });
            }
            Phase::Idle | Phase::Loading => return self.answer_session(),
            _ => {}
        }
        self.start_again = stop.start_again;
        if !stop.start_again {
            self.resolve(&Err(SessionError::NotReady { state: SessionState::Stopping }));
        }
        if matches!(self.phase, Phase::Opening) {
            self.stop_asked = Some(stop);
            return self.answer_session();
        }
        // Where a stop is under way already, that answers.
        let answer = self.begin_stop(stop.reason, stop.unattended, ctx);
        if stop.discard {
            self.discard();
        }
        answer
    }

    fn is_written_stopping(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.state == SessionState::Stopping)
    }

    /// Whether the start under way, or the adoption, has been written down.
    fn is_written_starting(&self) -> bool {
        let state = self.session.as_ref().map(|session| session.state);
        !matches!(state, Some(SessionState::Cold | SessionState::Failed))
    }
}

/// What somebody who waits is told when this actor ends: the server is going away, or another actor takes over. No fault of anybody's.
pub(super) fn ended() -> SessionError {
    SessionError::Unavailable("the session is being taken over: try again in a moment".into())
}
