//! Loading, starting, stopping, and what happens to the sandbox meanwhile.

use std::sync::Arc;

use actix::prelude::*;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    AgentLink, Backoff, Caller, Claim, Deps, Duration, Instant, Level, LinkEvent, Live, OwnedLink, Phase, Progress,
    REDIAL_TIMEOUT, RestartPolicy, Sandbox, Session, SessionActor, SessionError, SessionId, SessionNotice,
    SessionState, Stage, Verdict, WorkspaceSyncActor, db, sandbox, sync,
};
use crate::link::Door;
use crate::model::SandboxId;
use crate::model::terminal::Terminal;

/// How long changes may take to be collected before the sandbox goes without them.
pub(super) const FLUSH_TIMEOUT: Duration = Duration::from_secs(8);

/// How long programs may take to end by themselves.
const HANG_UP_TIMEOUT: Duration = Duration::from_secs(3);

/// Pauses before the end of a sandbox is written down again, while the database is away.
const WRITE_RETRY: Backoff = Backoff { first: Duration::from_millis(200), most: Duration::from_secs(5) };

/// The WorkspaceSyncActor may fall over this often before its session does.
const SYNC_RESTARTS: RestartPolicy = RestartPolicy {
    limit: 3,
    window: Duration::from_secs(300),
    backoff: Backoff { first: Duration::from_millis(50), most: Duration::from_secs(1) },
};

/// How often and how patiently a sandbox that runs is adopted: some two minutes.
const ADOPTION: Attempts =
    Attempts { attempts: 15, pauses: Backoff { first: Duration::from_millis(250), most: Duration::from_secs(10) } };

struct Attempts {
    attempts: u32,
    pauses: Backoff,
}

/// The engine says that the session's container has died, or that one of its programs took too much memory.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SandboxDied {
    /// Which; news of an earlier one changes nothing.
    pub sandbox: SandboxId,
    /// What happened.
    pub how: Death,
}

/// What the engine tells of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// It has ended, with this exit code.
    Exited(Option<i64>),
    /// A program in it was killed for using too much memory; the container may live on.
    OutOfMemory,
}

/// A sandbox that holds the session's files.
struct Opened {
    sandbox: Sandbox,
    claim: Claim,
    door: Door,
    caller: Caller,
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
                let sandbox = row.sandbox;
                let state = row.state;
                actor.session = Some(row);
                match (sandbox, state) {
                    (Some(sandbox), _) => actor.begin_adoption(sandbox, 0, ctx),
                    (None, SessionState::Cold | SessionState::Failed | SessionState::Deleted) => {
                        actor.phase = Phase::Idle
                    }
                    (None, _) => actor.gone_cold("the server was restarted before the sandbox was ready".into(), ctx),
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

    /// Writes down that the session is starting, and starts it.
    pub(super) fn begin_start(&mut self) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        if self.session.is_none() {
            return Box::pin(fut::err(SessionError::NotFound));
        }
        self.phase = Phase::Opening;
        let (db, id) = (self.deps.db.clone(), self.id);
        let writing = async move {
            let connection = db.interactive().await?;
            let from = [SessionState::Cold, SessionState::Failed];
            db::sessions::transition(&connection, id, &from, SessionState::Starting, None)
                .await?
                .ok_or(SessionError::NotFound)
        };
        Box::pin(writing.into_actor(self).map(|row: Result<Session, SessionError>, actor, ctx| {
            for starter in actor.starters.drain(..) {
                starter.send(row.clone()).ok();
            }
            match row {
                Ok(row) => {
                    actor.take_row(row.clone());
                    let opening = open(actor.deps.clone(), actor.id, actor.sync(), actor.reporter(ctx));
                    ctx.spawn(opening.into_actor(actor).map(|opened, actor, ctx| actor.opened(opened, ctx)));
                    Ok(row)
                }
                Err(error) => {
                    actor.phase = Phase::Idle;
                    Err(error)
                }
            }
        }))
    }

    fn begin_adoption(&mut self, sandbox: SandboxId, attempt: u32, ctx: &mut Context<Self>) {
        self.phase = Phase::Opening;
        let adopting = adopt(self.deps.clone(), self.id, sandbox, self.sync(), self.reporter(ctx));
        // Whoever asks meanwhile waits: before its agent has called, nobody knows what the sandbox holds.
        ctx.wait(adopting.into_actor(self).map(move |opened, actor, ctx| match opened {
            Ok(Some(opened)) => actor.opened(Ok(opened), ctx),
            // It may hold what the database does not have yet: not given up because something is away for a moment.
            Err(SessionError::Unavailable(why)) if attempt < ADOPTION.attempts => {
                tracing::warn!(session.id = %actor.id, why, "cannot adopt a sandbox now; trying again");
                ctx.run_later(ADOPTION.pauses.pause(attempt), move |actor, ctx| {
                    actor.begin_adoption(sandbox, attempt + 1, ctx)
                });
            }
            Ok(None) => actor.gone_cold(
                "its sandbox had ended while the server was away; your saved files are all here".into(),
                ctx,
            ),
            Err(error) => actor.opened(Err(error), ctx),
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
            Phase::Live(Box::new(Live { sandbox, link: None, link_number: 0, door, out_of_memory: false, claim }));
        self.take_call(caller, ctx);
        match self.session.as_ref().map(|session| session.state) {
            Some(SessionState::Ready) => {
                self.resolve(&Ok(()));
                self.tell(SessionNotice::Progress(Progress { stage: Stage::Ready, done: None, total: None }));
            }
            // Deleted, or told to stop, while it was on its way.
            None | Some(SessionState::Stopping | SessionState::Deleted) => {
                let stopping = self.begin_stop("stopped while the server was away".into(), ctx);
                ctx.spawn(stopping.map(|_, _, _| ()));
            }
            Some(_) => {
                self.write_state(&[SessionState::Starting], SessionState::Ready, None, ctx, |actor, ctx, written| {
                    if written.is_ok() {
                        actor.resolve(&Ok(()));
                        actor.tell(SessionNotice::Progress(Progress { stage: Stage::Ready, done: None, total: None }));
                    } else if let Phase::Live(_) = actor.phase {
                        let stopping = actor.begin_stop("it could not be written down as ready".into(), ctx);
                        ctx.spawn(stopping.map(|_, _, _| ()));
                    }
                })
            }
        }
    }

    fn failed(&mut self, error: SessionError, ctx: &mut Context<Self>) {
        self.terminals.clear();
        let reason = match &error {
            SessionError::StartFailed(reason) => reason.clone(),
            error => error.to_string(),
        };
        tracing::warn!(session.id = %self.id, reason, "a session could not be started");
        self.resolve(&Err(SessionError::StartFailed(reason.clone())));
        self.settle(SessionState::Failed, reason, 0, ctx);
    }

    fn gone_cold(&mut self, reason: String, ctx: &mut Context<Self>) {
        self.terminals.clear();
        self.tell(SessionNotice::Terminals(Vec::new()));
        self.settle(SessionState::Cold, reason, 0, ctx);
    }

    /// Writes down that there is no sandbox any more, again and again until that has worked; a start asked for meanwhile comes after it.
    fn settle(&mut self, to: SessionState, reason: String, attempt: u32, ctx: &mut Context<Self>) {
        self.phase = Phase::Closing;
        if let Some(sync) = &self.sync {
            ctx.spawn(sync.send(sync::Release).into_actor(self).map(|_, _, _| ()));
        }
        let from = [SessionState::Starting, SessionState::Ready, SessionState::Stopping];
        let again = reason.clone();
        self.write_state(&from, to, Some(reason), ctx, move |actor, ctx, written| {
            // No such row any more is as good as written.
            if !matches!(written, Ok(()) | Err(SessionError::NotFound)) {
                ctx.run_later(WRITE_RETRY.pause(attempt), move |actor, ctx| {
                    actor.settle(to, again, attempt.saturating_add(1), ctx);
                });
                return;
            }
            actor.phase = Phase::Idle;
            if std::mem::take(&mut actor.start_again) || !actor.waiters.is_empty() {
                ctx.spawn(actor.begin_start().map(|started, actor, _| {
                    if let Err(error) = started {
                        actor.resolve(&Err(error));
                    }
                }));
            }
        });
    }

    /// Collects, hangs up, removes; answers when the session is `stopping`.
    pub(super) fn begin_stop(
        &mut self,
        reason: String,
        ctx: &mut Context<Self>,
    ) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        let Phase::Live(live) = std::mem::replace(&mut self.phase, Phase::Closing) else {
            return self.answer_session();
        };
        ctx.cancel_future(live.door);
        let (db, id, sync) = (self.deps.db.clone(), self.id, self.sync());
        let writing = async move {
            let connection = db.interactive().await?;
            let from = [SessionState::Starting, SessionState::Ready];
            Ok(db::sessions::transition(&connection, id, &from, SessionState::Stopping, None).await?)
        };
        Box::pin(writing.into_actor(self).map(move |row: Result<Option<Session>, SessionError>, actor, ctx| {
            let Live { sandbox, link, claim, .. } = *live;
            // Without its row the sandbox goes all the same: the user asked, and a later load finds it gone.
            if let Ok(Some(row)) = row {
                actor.take_row(row);
            }
            let closing = close(actor.deps.db.clone(), id, sync, link, sandbox);
            ctx.spawn(closing.into_actor(actor).map(move |(), actor, ctx| {
                drop(claim);
                actor.gone_cold(reason, ctx);
            }));
            actor.session.clone().ok_or(SessionError::NotFound)
        }))
    }

    /// Writes a state down and takes the row over; `then` learns whether that worked.
    fn write_state(
        &mut self,
        from: &[SessionState],
        to: SessionState,
        reason: Option<String>,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>, Result<(), SessionError>) + 'static,
    ) {
        let (db, id, from) = (self.deps.db.clone(), self.id, from.to_vec());
        let writing = async move {
            let connection = db.interactive().await?;
            Ok(db::sessions::transition(&connection, id, &from, to, reason.as_deref()).await?)
        };
        ctx.spawn(writing.into_actor(self).map(move |row: Result<Option<Session>, SessionError>, actor, ctx| {
            let written = match row {
                Ok(Some(row)) => {
                    actor.take_row(row);
                    Ok(())
                }
                Ok(None) => Err(SessionError::NotFound),
                Err(error) => {
                    tracing::error!(session.id = %actor.id, session.state = to.as_str(), error = %error, "cannot write down a session's state");
                    Err(error)
                }
            };
            then(actor, ctx, written);
        }));
    }

    /// A way for a start to say how far it is.
    fn reporter(&self, ctx: &Context<Self>) -> Reporter {
        Reporter { addr: ctx.address() }
    }

    /// The agent has called, for the first time or again.
    fn take_call(&mut self, caller: Caller, ctx: &mut Context<Self>) {
        let Phase::Live(live) = &mut self.phase else { return };
        live.link = Some(caller.link);
        live.link_number += 1;
        let number = live.link_number;
        let events = ReceiverStream::new(caller.events);
        ctx.add_stream(futures_util::StreamExt::chain(
            futures_util::StreamExt::map(events, move |event| LinkSignal { number, event: Some(event) }),
            futures_util::stream::iter([LinkSignal { number, event: None }]),
        ));
        self.terminals =
            caller.hello.terminals.into_iter().map(Terminal::from).map(|terminal| (terminal.id, terminal)).collect();
        self.tell(SessionNotice::Terminals(self.sorted_terminals()));
    }

    /// The agent has called again: bring files together again.
    fn called_again(&mut self, caller: Caller, ctx: &mut Context<Self>) {
        let (link, restored) = (AgentLink::clone(&caller.link), caller.hello.restored);
        self.take_call(caller, ctx);
        self.connect_sync(link, restored, ctx);
    }

    fn connect_sync(&mut self, link: AgentLink, restored: bool, ctx: &mut Context<Self>) {
        let connect = sync::Connect { link, restored, progress: Arc::new(|_, _| ()) };
        let connecting = self.sync().send(connect);
        ctx.spawn(connecting.into_actor(self).map(|connected, actor, ctx| {
            let Phase::Live(live) = &actor.phase else { return };
            match connected {
                Ok(Ok(())) => {}
                // The next link begins anew.
                Ok(Err(_)) if live.link.as_ref().is_none_or(|link| link.is_closed()) => {}
                Ok(Err(error)) => {
                    tracing::warn!(session.id = %actor.id, error = %error, "cannot compare a sandbox with the database; trying again");
                    live.link.iter().for_each(|link| link.close());
                }
                Err(_) => actor.sync_fell(ctx),
            }
        }));
    }

    /// The WorkspaceSyncActor has fallen over: a new one lists everything. Too often, and this actor goes the same way.
    fn sync_fell(&mut self, ctx: &mut Context<Self>) {
        match self.sync_failures.note(Instant::now(), &SYNC_RESTARTS) {
            Verdict::GiveUp => {
                tracing::error!(session.id = %self.id, "the workspace's actor fell over too often");
                // Not a normal end: the supervisor counts it.
                ctx.stop();
            }
            Verdict::Restart(pause) => {
                ctx.run_later(pause, |actor, ctx| {
                    if let Phase::Live(live) = &actor.phase
                        && let Some(link) = live.link.as_deref().cloned()
                    {
                        actor.connect_sync(link, true, ctx);
                    }
                });
            }
        }
    }

    /// The link has ended. Either the container has died, which the engine confirms at once, or the agent dials again.
    fn link_ended(&mut self, ctx: &mut Context<Self>) {
        let Phase::Live(live) = &mut self.phase else { return };
        live.link = None;
        let (number, sandbox) = (live.link_number, live.sandbox.id());
        let (engine, container) = (self.deps.sandboxes.engine().clone(), live.sandbox.container().clone());
        if let Some(sync) = &self.sync {
            // A full mailbox means writes that will fail by themselves.
            sync.try_send(sync::Disconnect).ok();
        }
        let io = self.deps.io.clone();
        let asking = async move { io.spawn(async move { engine.inspect(&container).await }).await };
        ctx.spawn(asking.into_actor(self).map(move |state, actor, ctx| match state {
            Ok(Ok(Some(state))) if state.running => {}
            Ok(Ok(state)) => actor.died(sandbox, Death::Exited(state.and_then(|state| state.exit_code)), ctx),
            // The engine is away too; its watch will tell.
            _ => {}
        }));
        ctx.run_later(REDIAL_TIMEOUT, move |actor, ctx| {
            let silent = matches!(&actor.phase, Phase::Live(live) if live.link.is_none() && live.link_number == number);
            if silent {
                tracing::warn!(session.id = %actor.id, "a sandbox's agent stays silent; the sandbox is ended");
                actor.died(sandbox, Death::Exited(None), ctx);
            }
        });
    }

    fn died(&mut self, sandbox: SandboxId, how: Death, ctx: &mut Context<Self>) {
        let Phase::Live(live) = &mut self.phase else { return };
        if live.sandbox.id() != sandbox {
            return;
        }
        let memory_mb = self.deps.config.sandbox.memory_mb;
        if how == Death::OutOfMemory {
            live.out_of_memory = true;
            let text = format!("A program used more memory than the {memory_mb} MiB this session has, and was ended.");
            return self.tell(SessionNotice::Message { level: Level::Warning, text });
        }
        let Phase::Live(live) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let reason = match how {
            _ if live.out_of_memory => {
                format!("its sandbox ran out of memory ({memory_mb} MiB); your saved files are all here")
            }
            Death::Exited(Some(code)) => {
                format!("its sandbox was ended from outside (exit code {code}); your saved files are all here")
            }
            _ => "its sandbox has ended unexpectedly; your saved files are all here".to_owned(),
        };
        tracing::warn!(session.id = %self.id, sandbox.id = %sandbox, reason, "a sandbox has died");
        let Live { sandbox, link, door, claim, .. } = *live;
        ctx.cancel_future(door);
        drop(link);
        self.gone_cold(reason, ctx);
        ctx.spawn(sandbox.destroy().into_actor(self).map(move |(), _, _| drop(claim)));
    }
}

/// What comes from one link: its events, then its end.
pub(super) struct LinkSignal {
    number: u64,
    event: Option<LinkEvent>,
}

impl StreamHandler<LinkSignal> for SessionActor {
    fn handle(&mut self, signal: LinkSignal, ctx: &mut Context<Self>) {
        let Phase::Live(live) = &self.phase else { return };
        if live.link_number != signal.number {
            return;
        }
        match signal.event {
            Some(LinkEvent::Changed { batch, entries, rescan }) => {
                let changed = sync::Changed { batch, entries, rescan };
                let sync = self.sync();
                if sync.try_send(changed).is_err() {
                    // So many writes wait that this one has no place: cutting the link makes the next one begin with a listing.
                    self.tally.refused += 1;
                    if let Phase::Live(live) = &self.phase {
                        live.link.iter().for_each(|link| link.close());
                    }
                }
            }
            Some(LinkEvent::TerminalExited { terminal, exit }) => self.terminal_exited(terminal, exit),
            None => self.link_ended(ctx),
        }
    }

    /// One link's end is not this actor's.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl StreamHandler<Caller> for SessionActor {
    fn handle(&mut self, caller: Caller, ctx: &mut Context<Self>) {
        self.called_again(caller, ctx);
    }

    /// The door was closed, with its sandbox.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl Handler<SandboxDied> for SessionActor {
    type Result = ();

    fn handle(&mut self, died: SandboxDied, ctx: &mut Context<Self>) {
        self.tally.handled += 1;
        self.died(died.sandbox, died.how, ctx);
    }
}

/// How far a start is, told to the actor and through it to the pages.
#[derive(Message)]
#[rtype(result = "()")]
struct Reached(Progress);

impl Handler<Reached> for SessionActor {
    type Result = ();

    fn handle(&mut self, Reached(progress): Reached, _: &mut Context<Self>) {
        if matches!(self.phase, Phase::Opening) {
            self.progress = Some(progress);
            self.tell(SessionNotice::Progress(progress));
        }
    }
}

#[derive(Clone)]
struct Reporter {
    addr: Addr<SessionActor>,
}

impl Reporter {
    fn stage(&self, stage: Stage) {
        self.report(Progress { stage, done: None, total: None });
    }

    fn report(&self, progress: Progress) {
        // Progress that has no place in the mailbox is old by the time it would have.
        self.addr.try_send(Reached(progress)).ok();
    }
}

/// From nothing to a sandbox that holds the files.
async fn open(
    deps: Deps,
    id: SessionId,
    sync: Addr<WorkspaceSyncActor>,
    report: Reporter,
) -> Result<Opened, SessionError> {
    let started = match deps.pool.claim().await {
        Some(started) => started,
        None => {
            let stages = report.clone();
            deps.sandboxes.create(move |stage| stages.stage(stage)).await.map_err(start_failed)?
        }
    };
    let sandbox::Started { mut sandbox, door, caller } = started;
    sandbox.claim().map_err(start_failed)?;
    let claim = deps.registry.claim(sandbox.id(), id);
    let filling = async {
        let connection = deps.db.interactive().await?;
        if !db::sessions::claim_sandbox(&connection, id, sandbox.id()).await? {
            return Err(SessionError::NotFound);
        }
        drop(connection);
        fill(&sync, &caller, report).await
    };
    match filling.await {
        Ok(()) => Ok(Opened { sandbox, claim, door, caller }),
        Err(error) => {
            sandbox.destroy().await;
            Err(error)
        }
    }
}

/// From a row that names a sandbox to that sandbox, if it still runs. `None`: it has ended, and its remains are removed.
async fn adopt(
    deps: Deps,
    id: SessionId,
    sandbox: SandboxId,
    sync: Addr<WorkspaceSyncActor>,
    report: Reporter,
) -> Result<Option<Opened>, SessionError> {
    let (engine, io) = (deps.sandboxes.engine().clone(), deps.io.clone());
    let listing = io.spawn(async move { engine.list().await }).await.map_err(|_| SessionError::Internal)?;
    let listing = listing.map_err(|error| SessionError::Unavailable(error.to_string()))?;
    let Some(found) = listing.into_iter().find(|found| found.sandbox == sandbox) else {
        return Ok(None);
    };
    if !found.running {
        remove_remains(&deps, sandbox, &found.container).await;
        return Ok(None);
    }
    report.stage(Stage::Agent);
    let sandbox::Started { mut sandbox, door, caller } = match deps
        .sandboxes
        .adopt(sandbox, found.container.clone())
        .await
    {
        Ok(started) => started,
        Err(error) => {
            tracing::warn!(session.id = %id, sandbox.id = %sandbox, error = %error, "a sandbox that runs cannot be adopted and is removed");
            remove_remains(&deps, sandbox, &found.container).await;
            return Ok(None);
        }
    };
    sandbox.claim().map_err(start_failed)?;
    let claim = deps.registry.claim(sandbox.id(), id);
    // A sandbox that cannot be filled or compared now stays as it is: it may hold what the database does not have yet.
    fill(&sync, &caller, report).await?;
    Ok(Some(Opened { sandbox, claim, door, caller }))
}

async fn remove_remains(deps: &Deps, sandbox: SandboxId, container: &crate::engine::ContainerId) {
    if let Err(error) = deps.sandboxes.remove(sandbox, container).await {
        tracing::warn!(sandbox.id = %sandbox, error = %error, "cannot remove a sandbox; the sweep will try again");
    }
}

/// Brings the sandbox and the database together.
async fn fill(sync: &Addr<WorkspaceSyncActor>, caller: &Caller, report: Reporter) -> Result<(), SessionError> {
    report.stage(Stage::Restore);
    let progress = Arc::new(move |done, total| {
        report.report(Progress { stage: Stage::Restore, done: Some(done), total: Some(total) });
    });
    let connect = sync::Connect { link: AgentLink::clone(&caller.link), restored: caller.hello.restored, progress };
    sync.send(connect).await.map_err(|_| SessionError::Internal)?
}

/// Collects what programs changed, hangs up, and removes the sandbox.
async fn close(db: db::Db, id: SessionId, sync: Addr<WorkspaceSyncActor>, link: Option<OwnedLink>, sandbox: Sandbox) {
    match tokio::time::timeout(FLUSH_TIMEOUT, sync.send(sync::Flush)).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => {
            tracing::warn!(session.id = %id, error = %error, "the last changes of a sandbox were not collected")
        }
        _ => tracing::warn!(session.id = %id, "the last changes of a sandbox were not collected in time"),
    }
    sync.try_send(sync::Disconnect).ok();
    if let Some(link) = link {
        // Programs get a chance to end by themselves; the container goes in any case.
        tokio::time::timeout(HANG_UP_TIMEOUT, link.command(carrel_protocol::Request::Shutdown)).await.ok();
        link.close();
    }
    let sandbox_id = sandbox.id();
    sandbox.destroy().await;
    // A cold session's row forgets its sandbox by itself, a deleted one's does not.
    let releasing = async { db::sessions::release_sandbox(&db.interactive().await?, id, sandbox_id).await };
    if let Err(error) = releasing.await {
        tracing::warn!(session.id = %id, error = %error, "cannot write down that a sandbox is gone; the next load will find it");
    }
}

fn start_failed(error: impl std::fmt::Display) -> SessionError {
    SessionError::StartFailed(error.to_string())
}
