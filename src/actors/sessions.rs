//! The door to all sessions: what `http` calls, and nothing else.
//!
//! Finds or starts the session's actor, asks it, and asks once more when the actor has just ended or is being replaced. Who may ask is
//! decided before, by `http`.

use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;

use super::Deps;
use super::api::{Attachment, NewTerminal, SaveFile, Saved, SessionError, Subscription};
use super::describe::{ActorDescription, Describe};
use super::session::{
    AttachViewer, AwaitReady, CloseTerminal, DeleteSession, ExtendSession, FallOver, ListProcesses, ListTerminals,
    OpenTerminal, RenameSession, RenameTerminal, SessionActor, StartSession, StopProcess, StopSession, Subscribe,
    UndeleteSession, Workspace,
};
use super::supervisor::{Ensure, StopAllSessions, Supervisors, supervisor_of};
use super::sync::{MakeFolder, Move, Remove, Save, WorkspaceSyncActor};
use crate::db;
use crate::model::backoff::Backoff;
use crate::model::terminal::Terminal;
use crate::model::{Item, Process, Quotas, Session, SessionId, SessionState, TerminalId, UserId, WorkspacePath};

/// How long an actor may take to answer `Describe`.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a request waits for a session to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(90);

/// Pauses while a session's actor is being replaced, and how many.
const REPLACEMENT: Backoff = Backoff { first: Duration::from_millis(20), most: Duration::from_millis(500) };
const REPLACEMENT_PAUSES: u32 = 8;

/// All sessions.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    deps: Deps,
    supervisors: Supervisors,
    others: Vec<Recipient<Describe>>,
}

impl Sessions {
    /// The door to the sessions of `supervisors`; `others` are actors that are described beside them.
    #[must_use]
    pub fn new(deps: Deps, supervisors: Supervisors, others: Vec<Recipient<Describe>>) -> Self {
        Self { inner: Arc::new(Inner { deps, supervisors, others }) }
    }

    /// A new session without a sandbox. `name` was checked.
    ///
    /// # Errors
    /// [`SessionError::SessionLimit`], or of the database.
    pub async fn create(&self, owner: UserId, name: &str) -> Result<Session, SessionError> {
        let deps = &self.inner.deps;
        let mut connection = deps.db.interactive().await?;
        let transaction = connection.transaction().await?;
        let most = deps.config.auth.max_sessions;
        let made = db::sessions::insert(&transaction, SessionId::new(), owner, name, most).await?;
        transaction.commit().await?;
        made.ok_or(SessionError::SessionLimit)
    }

    /// Renames a session. `name` was checked.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn rename(&self, id: SessionId, name: String) -> Result<Session, SessionError> {
        self.ask(id, || RenameSession(name.clone())).await
    }

    /// Deletes a session; its sandbox goes afterwards.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn delete(&self, id: SessionId) -> Result<(), SessionError> {
        self.ask(id, || DeleteSession).await
    }

    /// Opens a session; answers as soon as it is starting.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn start(&self, id: SessionId) -> Result<Session, SessionError> {
        self.ask(id, || StartSession).await
    }

    /// Ends a session's sandbox; answers as soon as it is stopping.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn stop(&self, id: SessionId, reason: &str) -> Result<Session, SessionError> {
        self.ask(id, || StopSession { reason: reason.to_owned(), start_again: false }).await
    }

    /// Ends a session's sandbox and opens another.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn restart(&self, id: SessionId) -> Result<Session, SessionError> {
        self.ask(id, || StopSession { reason: "restarted".to_owned(), start_again: true }).await
    }

    /// Counts as use, and puts an announced end off.
    ///
    /// # Errors
    /// [`SessionError::NotReady`] when nothing runs.
    pub async fn extend(&self, id: SessionId) -> Result<Session, SessionError> {
        self.ask(id, || ExtendSession).await
    }

    /// Has a deleted session back, cold.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] when its time is over, [`SessionError::SessionLimit`].
    pub async fn undelete(&self, id: SessionId) -> Result<Session, SessionError> {
        self.ask(id, || UndeleteSession).await
    }

    /// What runs in a session; nothing while it has no sandbox.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn processes(&self, id: SessionId) -> Result<Vec<Process>, SessionError> {
        self.ask(id, || ListProcesses).await
    }

    /// Asks a program to end, and ends it after two seconds.
    ///
    /// # Errors
    /// [`SessionError::NoItem`] when there is no such program.
    pub async fn stop_process(&self, id: SessionId, pid: u32) -> Result<(), SessionError> {
        self.ask(id, || StopProcess(pid)).await
    }

    /// Gives a terminal another name, which was checked.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn rename_terminal(
        &self,
        id: SessionId,
        terminal: TerminalId,
        name: String,
    ) -> Result<Terminal, SessionError> {
        self.ask(id, || RenameTerminal { terminal, name: name.clone() }).await
    }

    /// Saves a file; answers when it is committed and, in a live session, in place.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn save(&self, id: SessionId, save: SaveFile) -> Result<Saved, SessionError> {
        self.write(id, Save(save)).await
    }

    /// Removes a file, or a folder with all it holds.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn remove(&self, id: SessionId, path: WorkspacePath, user: UserId) -> Result<(), SessionError> {
        self.write(id, Remove { path, user }).await
    }

    /// Makes a folder and its parents.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn make_folder(&self, id: SessionId, path: WorkspacePath, user: UserId) -> Result<Item, SessionError> {
        self.write(id, MakeFolder { path, user }).await
    }

    /// Renames a file or folder, replacing nothing.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn move_item(
        &self,
        id: SessionId,
        from: WorkspacePath,
        to: WorkspacePath,
        user: UserId,
    ) -> Result<Item, SessionError> {
        self.write(id, Move { from, to, user }).await
    }

    /// A session's terminals, oldest first; none while it has no sandbox.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn terminals(&self, id: SessionId) -> Result<Vec<Terminal>, SessionError> {
        self.ask(id, || ListTerminals).await
    }

    /// Opens a terminal, opening the session first if need be.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn open_terminal(&self, id: SessionId, new: NewTerminal) -> Result<Terminal, SessionError> {
        let ready = tokio::time::timeout(READY_TIMEOUT, self.ask(id, || AwaitReady)).await;
        ready
            .map_err(|_| SessionError::Unavailable("the session is still starting: try again in a moment".into()))??;
        self.ask(id, || OpenTerminal(new.clone())).await
    }

    /// Hangs up a terminal and forgets it.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn close_terminal(&self, id: SessionId, terminal: TerminalId) -> Result<(), SessionError> {
        self.ask(id, || CloseTerminal(terminal)).await
    }

    /// Attaches a viewer to a terminal.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn attach(
        &self,
        id: SessionId,
        terminal: TerminalId,
        since: Option<u64>,
    ) -> Result<Attachment, SessionError> {
        self.ask(id, || AttachViewer { terminal, since }).await
    }

    /// Looks at a session.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn subscribe(&self, id: SessionId) -> Result<Subscription, SessionError> {
        self.ask(id, || Subscribe).await
    }

    /// What every sandbox may use.
    #[must_use]
    pub fn quotas(&self) -> Quotas {
        self.inner.deps.sandboxes.quotas()
    }

    /// What every actor says of itself; one that does not answer in time is named as silent.
    pub async fn describe(&self) -> Vec<ActorDescription> {
        let sessions = self.inner.deps.registry.sessions();
        let sessions = sessions.into_iter().map(|(id, entry)| (id.to_string(), entry.addr.recipient()));
        let supervisors = self
            .inner
            .supervisors
            .iter()
            .enumerate()
            .map(|(number, addr)| (number.to_string(), addr.clone().recipient()));
        let others = self.inner.others.iter().map(|recipient| ("other".to_owned(), recipient.clone()));
        let all: Vec<(String, Recipient<Describe>)> = supervisors.chain(others).chain(sessions).collect();
        let asking = all.into_iter().map(|(name, recipient)| async move {
            let answer = tokio::time::timeout(DESCRIBE_TIMEOUT, recipient.send(Describe)).await;
            answer.ok().and_then(Result::ok).unwrap_or_else(|| silent(name))
        });
        futures_util::future::join_all(asking).await
    }

    /// Brings every session under an actor that had a sandbox, or was on its way to one, when the last server ended.
    ///
    /// # Errors
    /// Of the database.
    pub async fn adopt_all(&self) -> Result<usize, SessionError> {
        let connection = self.inner.deps.db.bulk().await?;
        let live = db::sessions::live(&connection).await?;
        drop(connection);
        // A deleted session's sandbox is nobody's and is swept.
        let live = live.iter().filter(|session| session.state != SessionState::Deleted);
        let adopting = live.map(|session| self.actor(session.id));
        let adopted = futures_util::future::join_all(adopting).await;
        Ok(adopted.into_iter().filter(Result::is_ok).count())
    }

    /// Ends every actor; sandboxes keep running for the next server.
    pub async fn stop_all(&self) {
        futures_util::future::join_all(
            self.inner.supervisors.iter().map(|supervisor| supervisor.send(StopAllSessions)),
        )
        .await;
    }

    /// Makes a session's actor fall over, as a test of the supervisor.
    ///
    /// # Errors
    /// [`SessionError`].
    #[doc(hidden)]
    pub async fn make_fall_over(&self, id: SessionId) -> Result<(), SessionError> {
        // The actor falls instead of answering.
        self.actor(id).await?.send(FallOver).await.ok();
        Ok(())
    }

    /// The session's actor, started if need be; waits a little while it is being replaced.
    async fn actor(&self, id: SessionId) -> Result<Addr<SessionActor>, SessionError> {
        if let Some(actor) = self.inner.deps.registry.session(id) {
            return Ok(actor);
        }
        let supervisor = &self.inner.supervisors[supervisor_of(id, self.inner.supervisors.len())];
        for attempt in 0..REPLACEMENT_PAUSES {
            match supervisor.send(Ensure(id)).await {
                Ok(Some(actor)) => return Ok(actor),
                Ok(None) => tokio::time::sleep(REPLACEMENT.pause(attempt)).await,
                Err(_) => break,
            }
        }
        Err(SessionError::Busy)
    }

    /// Asks the session's actor. An actor that ended before it took the question is asked for again, once; one that fell over while
    /// answering is not, since what it did is not known.
    async fn ask<M, T>(&self, id: SessionId, message: impl Fn() -> M) -> Result<T, SessionError>
    where
        M: Message<Result = Result<T, SessionError>> + Send + 'static,
        T: Send + 'static,
        SessionActor: Handler<M>,
        <SessionActor as Actor>::Context: ToEnvelope<SessionActor, M>,
    {
        for _ in 0..2 {
            let actor = self.actor(id).await?;
            match actor.send(message()).await {
                Ok(answer) => return answer,
                Err(MailboxError::Closed) if !actor.connected() => {}
                Err(_) => break,
            }
        }
        Err(SessionError::Busy)
    }

    /// Asks the session's WorkspaceSyncActor.
    async fn write<M, T>(&self, id: SessionId, message: M) -> Result<T, SessionError>
    where
        M: Message<Result = Result<T, SessionError>> + Send + 'static,
        T: Send + 'static,
        WorkspaceSyncActor: Handler<M>,
        <WorkspaceSyncActor as Actor>::Context: ToEnvelope<WorkspaceSyncActor, M>,
    {
        let sync = self.ask(id, || Workspace).await?;
        sync.send(message).await.unwrap_or(Err(SessionError::Busy))
    }
}

fn silent(name: String) -> ActorDescription {
    ActorDescription {
        kind: "unknown",
        name,
        phase: "does not answer".to_owned(),
        generation: 0,
        handled: 0,
        refused: 0,
        queued: 0,
        failures: 0,
    }
}
