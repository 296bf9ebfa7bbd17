//! Having a deleted session back.
//!
//! **Invariant**: a session comes back only when its sandbox is gone: until then the wish waits. What that held was collected before the
//! deletion (`deleting.rs`); one that a server which has ended did not get to is nobody's, and is only removed.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::obtain::discard;
use super::{Phase, Session, SessionActor, SessionError, db};
use crate::db::deleted::Undeleted;

/// Wishes that may wait for a deleted session's sandbox to go.
const MAX_UNDELETERS: usize = 8;

/// Have it back. The reply comes when it is cold, with the files it had.
#[derive(Message)]
#[rtype(result = "Result<Session, SessionError>")]
pub struct UndeleteSession;

impl Handler<UndeleteSession> for SessionActor {
    type Result = ResponseActFuture<Self, Result<Session, SessionError>>;

    fn handle(&mut self, _: UndeleteSession, ctx: &mut Self::Context) -> Self::Result {
        self.used();
        if self.session.is_some() {
            return Box::pin(fut::err(SessionError::NotFound));
        }
        if self.undeleters.len() >= MAX_UNDELETERS {
            self.tally.refused += 1;
            return Box::pin(fut::err(SessionError::Busy));
        }
        let (undeleter, undeleted) = oneshot::channel();
        self.undeleters.push(undeleter);
        if matches!(self.phase, Phase::Idle) {
            self.undelete(ctx);
        }
        Box::pin(async { undeleted.await.unwrap_or(Err(SessionError::Internal)) }.into_actor(self))
    }
}

impl SessionActor {
    /// Nothing of a deleted session runs any more: it can come back, or go for good where the operator keeps nothing.
    pub(super) fn after_deletion(&mut self, ctx: &mut Context<Self>) {
        if self.session.is_some() {
            return;
        }
        self.undelete(ctx);
        if self.deps.config.workspace.undelete_days == 0 {
            let db = self.deps.db.clone();
            self.deps.io.spawn(async move {
                // The regular sweep comes by later.
                if let Err(error) = db::deleted::purge(&db, 1).await {
                    tracing::debug!(error = %error, "cannot purge a deleted session at once");
                }
            });
        }
    }

    /// Takes the deletion back for all who asked for it, now that nothing of the session runs.
    fn undelete(&mut self, ctx: &mut Context<Self>) {
        if self.undeleters.is_empty() {
            return;
        }
        let (deps, lease) = (self.deps.clone(), self.lease.clone());
        let undeleting = async move {
            let deleted = db::deleted::get(&deps.db.interactive().await?, lease.session()).await?;
            if let Some(former) = deleted.and_then(|session| session.sandbox) {
                discard(&deps, &lease, former).await?;
            }
            let most = deps.config.auth.max_sessions;
            let mut connection = deps.db.interactive().await?;
            let transaction = connection.transaction().await?;
            let undeleted = db::deleted::undelete(&transaction, &lease, most).await?;
            transaction.commit().await?;
            match undeleted {
                Undeleted::Back(session) => Ok(*session),
                Undeleted::Gone => Err(SessionError::NotFound),
                Undeleted::Limit => Err(SessionError::SessionLimit),
                Undeleted::Running => {
                    Err(SessionError::Unavailable("its sandbox is still going: try again in a moment".into()))
                }
            }
        };
        ctx.spawn(undeleting.into_actor(self).map(|undeleted: Result<Session, SessionError>, actor, _| {
            if let Ok(session) = &undeleted {
                actor.take_row(session.clone());
            }
            for undeleter in actor.undeleters.drain(..) {
                undeleter.send(undeleted.clone()).ok();
            }
        }));
    }
}
