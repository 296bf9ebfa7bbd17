//! How a request comes to a session's actor, and its answer back.
//!
//! Finds or starts the actor, asks it, and asks once more when it has just ended or is being replaced. Every request has a deadline.

use std::time::{Duration, Instant};

use actix::prelude::*;

use super::Sessions;
use crate::actors::api::SessionError;
use crate::actors::session::{SessionActor, Workspace};
use crate::actors::supervisor::{Ensure, supervisor_of};
use crate::actors::sync::WorkspaceSyncActor;
use crate::actors::watch::{Asked, Reply, kind_of};
use crate::model::SessionId;
use crate::model::backoff::Backoff;

/// How long a request waits for its answer: for longer than database, engine and agent may take, one after the other, to give one.
const ASK_TIMEOUT: Duration = Duration::from_secs(60);

/// The same for a change of a file, which waits for those before it: for longer than the largest file may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(120);

/// Pauses while a session's actor is being replaced, and how many.
const REPLACEMENT: Backoff = Backoff { first: Duration::from_millis(20), most: Duration::from_millis(500) };
const REPLACEMENT_PAUSES: u32 = 8;

impl Sessions {
    /// The session's actor, started if need be; waits a little while it is being replaced.
    pub(super) async fn actor(&self, id: SessionId) -> Result<Addr<SessionActor>, SessionError> {
        if let Some(actor) = self.inner.deps.registry.session(id) {
            return Ok(actor);
        }
        let supervisor = &self.inner.supervisors[supervisor_of(id, self.inner.supervisors.len())];
        for attempt in 0..REPLACEMENT_PAUSES {
            match supervisor.addr.send(Asked::new(Ensure(id), supervisor.watch.clone())?).await {
                Ok(Ok(Some(actor))) => return Ok(actor),
                Ok(Err(error)) => return Err(error),
                Ok(Ok(None)) => tokio::time::sleep(REPLACEMENT.pause(attempt)).await,
                Err(_) => break,
            }
        }
        Err(SessionError::Busy)
    }

    /// Asks the session's actor.
    pub(super) async fn ask<M, T>(&self, id: SessionId, message: impl Fn() -> M) -> Result<T, SessionError>
    where
        M: Message<Result = Result<T, SessionError>> + Send + 'static,
        T: Send + 'static,
        SessionActor: Handler<M>,
        <SessionActor as Handler<M>>::Result: Reply<SessionActor, T>,
    {
        self.ask_within(id, ASK_TIMEOUT, "the session does not answer", message).await
    }

    /// The same with a deadline, after which the answer is that `still` is so.
    pub(super) async fn ask_within<M, T>(
        &self,
        id: SessionId,
        within: Duration,
        still: &str,
        message: impl Fn() -> M,
    ) -> Result<T, SessionError>
    where
        M: Message<Result = Result<T, SessionError>> + Send + 'static,
        T: Send + 'static,
        SessionActor: Handler<M>,
        <SessionActor as Handler<M>>::Result: Reply<SessionActor, T>,
    {
        let late = |_| Err(SessionError::Unavailable(format!("{still}: try again in a moment")));
        tokio::time::timeout(within, self.ask_again(id, message)).await.unwrap_or_else(late)
    }

    /// Asks without a deadline. An actor that ended before it took the question is asked for again, once; one that fell over while
    /// answering is not, since what it did is not known.
    async fn ask_again<M, T>(&self, id: SessionId, message: impl Fn() -> M) -> Result<T, SessionError>
    where
        M: Message<Result = Result<T, SessionError>> + Send + 'static,
        T: Send + 'static,
        SessionActor: Handler<M>,
        <SessionActor as Handler<M>>::Result: Reply<SessionActor, T>,
    {
        let registry = &self.inner.deps.registry;
        if registry.quarantine.bars(id, kind_of::<M>(), Instant::now()) {
            if let Some(watch) = registry.watch(id) {
                watch.refuse(kind_of::<M>());
            }
            return Err(SessionError::Quarantined);
        }
        for _ in 0..2 {
            let actor = self.actor(id).await?;
            let watch = registry.watch(id).unwrap_or_default();
            let asked = Asked::<SessionActor, T>::new(message(), watch)?;
            let begun = asked.begun();
            match actor.send::<Asked<SessionActor, T>>(asked).await {
                Ok(answer) => return answer,
                Err(MailboxError::Closed) if !begun.is() => {}
                Err(_) => break,
            }
        }
        Err(SessionError::Busy)
    }

    /// Asks the session's WorkspaceSyncActor.
    pub(super) async fn write<M, T>(&self, id: SessionId, message: M) -> Result<T, SessionError>
    where
        M: Message<Result = Result<T, SessionError>> + Send + 'static,
        T: Send + 'static,
        WorkspaceSyncActor: Handler<M>,
        <WorkspaceSyncActor as Handler<M>>::Result: Reply<WorkspaceSyncActor, T>,
    {
        let sync = self.ask(id, || Workspace).await?;
        let watch = self.inner.deps.registry.workspace_watch(id).unwrap_or_default();
        let asked = Asked::new(message, watch)?;
        match tokio::time::timeout(WRITE_TIMEOUT, sync.send::<Asked<WorkspaceSyncActor, T>>(asked)).await {
            Ok(answered) => answered.unwrap_or(Err(SessionError::Busy)),
            // What was asked may still happen: whoever asks again finds it done, or does it.
            Err(_) => Err(SessionError::Unavailable("the sandbox takes too long".into())),
        }
    }
}
