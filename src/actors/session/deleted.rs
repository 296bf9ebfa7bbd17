//! Deleting a session, and having it back.
//!
//! **Invariant**: a session comes back only when its sandbox is gone: until then the wish waits. This actor collects what a sandbox holds
//! before it goes; one that a server which has ended did not get to is nobody's, and is only removed.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::obtain::discard;
use super::{Duration, Phase, Session, SessionActor, SessionError, SessionNotice, SessionState, db, sync};
use crate::db::deleted::Undeleted;

/// Wishes that may wait for a deleted session's sandbox to go.
const MAX_UNDELETERS: usize = 8;

/// How long a deletion waits for what programs have written.
const COLLECT_PATIENCE: Duration = Duration::from_secs(3);

/// Delete it. The reply comes when it is gone for its user; the sandbox goes after that, the row and the files later.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct DeleteSession;

/// Have it back. The reply comes when it is cold, with the files it had.
#[derive(Message)]
#[rtype(result = "Result<Session, SessionError>")]
pub struct UndeleteSession;

impl Handler<DeleteSession> for SessionActor {
    type Result = ResponseActFuture<Self, Result<(), SessionError>>;

    fn handle(&mut self, _: DeleteSession, _: &mut Self::Context) -> Self::Result {
        self.used();
        let (db, lease, days) = (self.deps.db.clone(), self.lease.clone(), self.deps.config.workspace.undelete_days);
        let collecting = self.sync.clone().filter(|_| self.live().is_some());
        let deleting = async move {
            // What programs have written until now is in the database when its user wants it back. The rest is not worth waiting for.
            if let Some(sync) = collecting {
                tokio::time::timeout(COLLECT_PATIENCE, sync.send(sync::Flush)).await.ok();
            }
            let connection = db.interactive().await?;
            Ok(db::sessions::mark_deleted(&connection, &lease, days).await?)
        };
        Box::pin(deleting.into_actor(self).map(|deleted: Result<bool, SessionError>, actor: &mut Self, ctx| {
            if !deleted? {
                return Err(SessionError::NotFound);
            }
            let remains = actor.session.as_ref().and_then(|session| session.sandbox).filter(|_| actor.has_remains());
            actor.session = None;
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
