//! What a sandbox holds for want of room in the database: its end waits for its user's word, or leaves it on its volume.
//!
//! ```text
//!   a user stops ──▶ listed: is there anything? ── yes ──▶ refused, unless they give it up
//!   nobody asks  ──▶ on a volume: ends, and the row still names the sandbox ──▶ comes back when somebody opens the session
//!                └─▶ in memory:   does not end; its user is told once
//! ```
//!
//! **Invariant**: what could not be saved goes only when its user says so, with its session, or when a sandbox in memory dies; then its user
//! reads what was lost.

use actix::prelude::*;

use super::closing::{FLUSH_TIMEOUT, hang_up};
use super::remains::LEFT;
use super::{Level, Live, Phase, Session, SessionActor, SessionError, SessionEvent, SessionNotice, StopSession, sync};

impl SessionActor {
    /// What would be lost with the sandbox, as far as that is known.
    pub(super) fn unsaved(&self) -> Option<SessionError> {
        self.live().and_then(|_| self.unkept.unsaved(&self.deps.config.workspace.limits()))
    }

    /// Whether a wish to stop has to be checked before anything is ended.
    pub(super) fn is_to_be_checked(&self, stop: &StopSession) -> bool {
        !stop.discard && !stop.unattended && matches!(self.phase, Phase::Live(_)) && self.unsaved().is_some()
    }

    /// Looks again at what could not be saved, and refuses the stop if it is still there. Where that cannot be told, the stop finds out.
    pub(super) fn stop_if_saved(
        &mut self,
        stop: StopSession,
    ) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        let (sync, wishes) = (self.sync(), self.wishes);
        let looking = async move { tokio::time::timeout(FLUSH_TIMEOUT, sync.send(sync::Settle)).await };
        Box::pin(looking.into_actor(self).then(move |looked, actor, ctx| {
            let known = matches!(looked, Ok(Ok(Ok(()) | Err(SessionError::TooManyBytes | SessionError::TooManyItems))));
            match actor.unsaved().filter(|_| known) {
                Some(error) => {
                    actor.tally.refused += 1;
                    Box::pin(fut::err(error))
                }
                // Somebody has wished for something else meanwhile.
                None if actor.wishes != wishes => actor.answer_session(),
                None => actor.stop(stop, ctx),
            }
        }))
    }

    /// Whether the sandbox must not end by itself, since what could not be saved would go with it; its user is told once.
    pub(super) fn is_spared(&mut self) -> bool {
        let outlives = self.live().is_some_and(|live| live.sandbox.outlives_its_container());
        let unsaved = self.unsaved().filter(|_| !outlives);
        let told = std::mem::replace(&mut self.lifetime.spared, unsaved.is_some());
        if let Some(error) = unsaved.as_ref().filter(|_| !told) {
            tracing::warn!(session.id = %self.id, error = %error, "a session does not end by itself");
            let text = format!("This session would stop by itself, and runs on: {error}");
            self.tell_everybody(Level::Warning, text.clone());
            self.tell(SessionNotice::Message { level: Level::Warning, text });
        }
        unsaved.is_some()
    }

    /// Ends a sandbox nobody asked to end and leaves its volume, which holds what could not be collected.
    pub(super) fn park(&mut self, error: &SessionError, ctx: &mut Context<Self>) {
        let (live, stop) = match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Stopping(live, stop) => (live, stop),
            other => {
                self.phase = other;
                return;
            }
        };
        tracing::warn!(session.id = %self.id, sandbox.id = %live.sandbox.id(), error = %error, "a sandbox ends and leaves what could not be saved");
        let (reason, unsaved) = (kept(stop.reason, error), bare(error));
        let Live { sandbox, link, door, claim, .. } = *live;
        ctx.cancel_future(door);
        let sync = self.sync();
        let burying = async move {
            hang_up(&sync, link).await;
            sandbox.bury().await;
        };
        ctx.spawn(burying.into_actor(self).map(move |(), actor, ctx| {
            drop(claim);
            actor.forget_terminals();
            actor.settle(SessionEvent::SandboxKept, reason, Some(unsaved), 0, ctx);
        }));
    }
}

/// The reason a session is cold whose sandbox has left what could not be saved.
fn kept(reason: String, error: &SessionError) -> String {
    // What was looked at once more has been told.
    if reason.contains(LEFT) { reason } else { format!("{reason}; not all could be saved: {}; {LEFT}", bare(error)) }
}

/// What could not be saved, without what could be done about it.
pub(super) fn bare(error: &SessionError) -> String {
    match error {
        SessionError::NotSaved(what) => what.clone(),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_once_what_was_left() {
        let error = SessionError::NotSaved("big.bin (larger than 64 MB, the most a file may have)".into());
        let reason = kept("stopped after 30 min without use".into(), &error);
        assert!(
            reason.starts_with("stopped after 30 min without use; ")
                && reason.contains("; not all could be saved: big.bin (larger")
        );
        assert!(reason.ends_with(LEFT), "{reason}");
        assert_eq!(kept(reason.clone(), &error), reason);
    }
}
