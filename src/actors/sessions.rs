//! The door to all sessions: what `http` calls, and nothing else.
//!
//! What each request says to which actor; `asking.rs` brings it there. Who may ask is decided before, by `http`.

mod asking;
mod frozen;
mod searching;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::StreamExt;

pub use self::frozen::Source;
use super::Deps;
use super::api::{Attachment, EditFiles, Edited, NewTerminal, SaveFile, Saved, SessionError, Subscription};
use super::describe::{ActorDescription, Describe};
use super::health::{self, Health, Subject};
use super::session::{
    Announce, AttachViewer, AwaitReady, CloseTerminal, DeleteSession, ExtendSession, FallOver, ListProcesses,
    ListTerminals, ListUnkept, OpenTerminal, RenameSession, RenameTerminal, StartSession, StopProcess, StopSession,
    Subscribe, UndeleteSession,
};
use super::supervisor::{StopAllSessions, Supervisors};
use super::sync::{MakeFolder, Move, Save};
use crate::db;
use crate::db::reviews::runs::{self, Run};
use crate::model::review::Round;
use crate::model::terminal::Terminal;
use crate::model::unkept::{UnkeptList, WorkspaceLimits};
use crate::model::{
    Item, Level, Process, Quotas, ReviewId, SandboxId, Session, SessionId, TerminalId, UserId, WorkspacePath,
};

/// How long a request waits for a session to become ready, or for its sandbox to go.
const LONG_TIMEOUT: Duration = Duration::from_secs(90);

/// Sessions brought under their actors at the same time.
const ADOPTED_AT_ONCE: usize = 64;

/// All sessions.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    deps: Deps,
    supervisors: Supervisors,
    others: Vec<(&'static str, Recipient<Describe>)>,
    health: Health,
}

impl Sessions {
    /// The door to the sessions of `supervisors`; `others` are actors that are described beside them.
    #[must_use]
    pub fn new(deps: Deps, supervisors: Supervisors, others: Vec<(&'static str, Recipient<Describe>)>) -> Self {
        Self { inner: Arc::new(Inner { deps, supervisors, others, health: Health::default() }) }
    }

    /// A new session without a sandbox. `name` was checked, and that `owner` may see the source.
    ///
    /// # Errors
    /// [`SessionError::SessionLimit`], [`SessionError::NoItem`] when the source is gone, or of the database.
    pub async fn create(&self, owner: UserId, name: &str, source: Source) -> Result<Session, SessionError> {
        self.make(owner, name, source, None).await
    }

    /// A new session in which `owner` runs a round, without a sandbox.
    ///
    /// # Errors
    /// [`SessionError::RunLimit`], or of the database.
    pub async fn create_run(
        &self,
        owner: UserId,
        name: &str,
        review: ReviewId,
        round: &Round,
    ) -> Result<Session, SessionError> {
        self.make(owner, name, Source::Snapshot(round.snapshot), Some((review, round.number))).await
    }

    async fn make(
        &self,
        owner: UserId,
        name: &str,
        source: Source,
        run: Option<(ReviewId, u32)>,
    ) -> Result<Session, SessionError> {
        let deps = &self.inner.deps;
        let beginning = self.beginning(source).await?;
        // Many files would hold up those who save one.
        let lane = if beginning.is_some() { deps.db.bulk().await } else { deps.db.interactive().await };
        let mut connection = lane?;
        let transaction = connection.transaction().await?;
        // Runs are counted by themselves.
        let most = if run.is_some() { u32::MAX } else { deps.config.auth.max_sessions };
        let id = SessionId::new();
        let made =
            db::sessions::insert(&transaction, id, owner, name, most).await?.ok_or(SessionError::SessionLimit)?;
        if let Some((review, round)) = run {
            let run = Run { session: id, round };
            if !runs::insert(&transaction, owner, review, run, deps.config.review.max_runs).await? {
                return Err(SessionError::RunLimit);
            }
        }
        let made = match beginning {
            None => made,
            Some(beginning) => {
                beginning.fill(&transaction, (id, owner), &super::bounds(&deps.config.workspace)).await?;
                db::sessions::get(&transaction, id).await?.ok_or(SessionError::Internal)?
            }
        };
        transaction.commit().await?;
        Ok(made)
    }

    /// Renames a session. `name` was checked.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn rename(&self, id: SessionId, name: String) -> Result<Session, SessionError> {
        self.ask(id, || RenameSession(name.clone())).await
    }

    /// Deletes a session; its sandbox goes afterwards. `discard`: what cannot be collected is given up.
    ///
    /// # Errors
    /// [`SessionError::NotSaved`] and [`SessionError::Uncollected`] where something would go that is nowhere else.
    pub async fn delete(&self, id: SessionId, discard: bool) -> Result<(), SessionError> {
        self.ask_within(id, LONG_TIMEOUT, "its changes are still being collected", || DeleteSession { discard }).await
    }

    /// Opens a session; answers as soon as it is starting.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn start(&self, id: SessionId) -> Result<Session, SessionError> {
        self.ask(id, || StartSession).await
    }

    /// Ends a session's sandbox; answers as soon as it is stopping. `discard`: what cannot be collected is given up.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn stop(&self, id: SessionId, reason: &str, discard: bool) -> Result<Session, SessionError> {
        self.ask(id, || StopSession { reason: reason.to_owned(), start_again: false, discard, unattended: false }).await
    }

    /// Ends a session's sandbox and opens another. `discard`: as for [`Sessions::stop`].
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn restart(&self, id: SessionId, discard: bool) -> Result<Session, SessionError> {
        self.ask(id, || StopSession { reason: "restarted".to_owned(), start_again: true, discard, unattended: false })
            .await
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
        self.ask_within(id, LONG_TIMEOUT, "its sandbox is still going", || UndeleteSession).await
    }

    /// What runs in a session; nothing while it has no sandbox.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn processes(&self, id: SessionId) -> Result<Vec<Process>, SessionError> {
        self.ask(id, || ListProcesses).await
    }

    /// What a session's sandbox holds and the database does not, and what a workspace may hold.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn unkept(&self, id: SessionId) -> Result<(UnkeptList, WorkspaceLimits), SessionError> {
        let list = self.ask(id, || ListUnkept).await?;
        Ok((list, self.inner.deps.config.workspace.limits()))
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

    /// Changes several files at once: all of them or none.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn edit(&self, id: SessionId, edit: EditFiles) -> Result<Edited, SessionError> {
        self.write(id, edit).await
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
        self.ask_within(id, LONG_TIMEOUT, "the session is still starting", || AwaitReady).await?;
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
        self.inner.health.describe(self.subjects()).await
    }

    /// Asks every actor whether it answers, again and again; never ends.
    pub async fn look_after(&self) {
        let mut tick = tokio::time::interval(health::INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.inner.health.look(self.subjects()).await;
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        let Inner { deps, supervisors, others, .. } = &*self.inner;
        let supervisors = supervisors.iter().enumerate().map(|(number, supervised)| Subject {
            kind: "SessionSupervisor",
            name: number.to_string(),
            actor: supervised.addr.clone().recipient(),
            watch: None,
        });
        let others = others.iter().map(|(kind, actor)| Subject {
            kind,
            name: (*kind).to_owned(),
            actor: actor.clone(),
            watch: None,
        });
        let sessions = deps.registry.sessions().into_iter().map(|(id, entry)| Subject {
            kind: "SessionActor",
            name: id.to_string(),
            actor: entry.addr.recipient(),
            watch: Some(entry.watch),
        });
        let workspaces = deps.registry.workspaces().into_iter().map(|(id, addr)| Subject {
            kind: "WorkspaceSyncActor",
            name: id.to_string(),
            actor: addr.recipient(),
            watch: None,
        });
        supervisors.chain(others).chain(sessions).chain(workspaces).collect()
    }

    /// Tells everybody who looks at a session of this server. A session with a full mailbox is left out.
    pub fn announce(&self, level: Level, text: &str) {
        for (_, entry) in self.inner.deps.registry.sessions() {
            entry.addr.try_send(Announce { level, text: text.to_owned() }).ok();
        }
    }

    /// Brings under an actor every session this server has to look after and that has none: those that had a sandbox, or were on the way to
    /// one, when the last server ended, or whose actor has ended since. `found`: this server's sandboxes that exist. How many there were.
    ///
    /// # Errors
    /// Of the database.
    pub async fn adopt_all(&self, found: &[SandboxId]) -> Result<usize, SessionError> {
        // A deleted session's sandbox is nobody's and is swept.
        let all = self.inner.deps.leases.to_look_after(found).await?;
        let left = all.into_iter().filter(|id| self.inner.deps.registry.session(*id).is_none());
        // No more at a time than a supervisor admits.
        let at_once = self.inner.deps.config.actors.supervisor_mailbox.min(ADOPTED_AT_ONCE);
        let adopting = futures_util::stream::iter(left.map(|id| self.actor(id))).buffer_unordered(at_once);
        Ok(adopting.filter(|adopted| std::future::ready(adopted.is_ok())).count().await)
    }

    /// Ends every actor; sandboxes keep running for the next server.
    pub async fn stop_all(&self) {
        futures_util::future::join_all(
            self.inner.supervisors.iter().map(|supervisor| supervisor.addr.send(StopAllSessions)),
        )
        .await;
        self.inner.deps.leases.release_all().await;
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

    /// The same by way of a request, which is kept away once it has done that too often.
    ///
    /// # Errors
    /// [`SessionError::Busy`] when it fell, [`SessionError::Quarantined`].
    #[doc(hidden)]
    pub async fn ask_to_fall_over(&self, id: SessionId) -> Result<(), SessionError> {
        self.ask(id, || FallOver).await
    }
}
