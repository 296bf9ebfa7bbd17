//! SessionActor: one session's life, its sandbox, its terminals and its [`WorkspaceSyncActor`].
//!
//! ```text
//!        Start: claim, make or adopt a sandbox       Stop: end programs, collect      collected: remove
//!   idle ───────────────────────▶ opening ────────▶ live ◀───────────▶ stopping ────────▶ closing ──▶ idle
//!    ▲                               │ failed         │ could not collect │ the container has died
//!    └───────────────────────────────┴────────────────┴───────────────────┘
//!   loading ── a sandbox runs ──▶ opening (adopts it; the mailbox waits for the first try)
//!   loading ── none ──▶ idle
//! ```
//!
//! **Invariants**: the persisted state ([`SessionState`]) is written before anybody is told of it. A sandbox is written down as this
//! session's before a file is put into it, so that whoever comes after a crash finds it. In `stopping` and `closing` nothing new is begun. An
//! actor that falls over leaves its sandbox running; its replacement loads the same row and adopts it. What a running sandbox holds is not
//! given up by itself: `opening.rs` and `closing.rs` say when one goes.
//!
//! **Talks to**: owns its sandbox, the agent's link and a WorkspaceSyncActor. Found through the registry by [`super::Sessions`],
//! [`super::engine_watch`] and its supervisor, whom it tells of its end by an [`ExitNotice`].

mod announce;
mod closing;
mod deleted;
mod deleting;
mod elsewhere;
mod fate;
pub mod life;
mod lifetime;
mod obtain;
mod opening;
mod processes;
mod remains;
mod reviving;
mod search;
mod terminals;
mod unkept;
mod unsaved;
mod wishes;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::{broadcast, oneshot};

pub use announce::Announce;
pub use deleted::UndeleteSession;
pub use deleting::DeleteSession;
pub use life::SandboxDied;
pub use lifetime::ExtendSession;
pub use processes::{ListProcesses, StopProcess};
pub use search::WhereFilesAre;
pub use terminals::{AttachViewer, CloseTerminal, ListTerminals, OpenTerminal, RenameTerminal};
pub use unkept::ListUnkept;

use closing::Stop;
use lifetime::Lifetime;
use remains::Salvages;

use super::api::{Notices, SessionError, Subscription};
use super::describe::{ActorDescription, Describe, Tally};
use super::registry::Claim;
use super::sandbox::Sandbox;
use super::supervisor::ExitNotice;
use super::sync::{self, WorkspaceSyncActor};
use super::watch::{Watch, watched};
use super::{Deps, sandbox};
use crate::db;
use crate::db::leases::Lease;
use crate::link::door::Caller;
use crate::link::{AgentLink, LinkEvent, OwnedLink};
use crate::model::backoff::{Backoff, Failures, RestartPolicy, Verdict};
use crate::model::terminal::Terminal;
use crate::model::{
    Announcement, Level, Progress, Quotas, Session, SessionEvent, SessionId, SessionNotice, SessionState, Stage,
    TerminalId,
};

/// Notices that may wait for one page; a slower page is told to fetch everything again.
const NOTICES: usize = 256;

/// Announcements that may wait for one viewer of a terminal; one that is slower misses some.
const ANNOUNCEMENTS: usize = 16;

/// Requests that may wait for a session to become ready.
const MAX_WAITERS: usize = 64;

/// Pauses before a state is written down again, while the database is away.
const WRITE_RETRY: Backoff = Backoff { first: Duration::from_millis(200), most: Duration::from_secs(5) };

/// How often its last use is written down: people look at the minute, and a row that changes more often is work for nothing.
const TOUCH_INTERVAL: Duration = Duration::from_secs(60);

/// How often the actor looks whether it has anything left to do.
const IDLE_CHECK: Duration = Duration::from_secs(10);

/// One session.
pub struct SessionActor {
    id: SessionId,
    lease: Lease,
    generation: u64,
    exit: ExitNotice,
    phase: Phase,
    session: Option<Session>,
    terminals: HashMap<TerminalId, Terminal>,
    /// Asked of the agent and not yet among them.
    opening_terminals: usize,
    sync: Option<Addr<WorkspaceSyncActor>>,
    sync_failures: Failures,
    /// Which every WorkspaceSyncActor of this one takes its turns of.
    sync_turn: Arc<tokio::sync::Mutex<()>>,
    /// What the sandbox holds and the database does not.
    unkept: sync::Unkept,
    waiters: Vec<oneshot::Sender<Result<(), SessionError>>>,
    /// Those who asked for a start that is just being written down.
    starters: Vec<oneshot::Sender<Result<Session, SessionError>>>,
    /// Deletions that look again once what is under way has ended.
    deleters: Vec<oneshot::Sender<()>>,
    /// All its sandbox holds is being collected for a deletion.
    is_collecting: bool,
    /// Those who want it back from its deletion.
    undeleters: Vec<oneshot::Sender<Result<Session, SessionError>>>,
    notices: broadcast::Sender<SessionNotice>,
    /// For those who look at its terminals.
    announcements: broadcast::Sender<Announcement>,
    lifetime: Lifetime,
    looks: processes::Looks,
    progress: Option<Progress>,
    /// Once the stop under way has ended.
    start_again: bool,
    /// Somebody wants it stopped as soon as the start under way has ended.
    stop_asked: Option<StopSession>,
    salvages: Salvages,
    /// Wishes to start or to stop there have been: the last one counts.
    wishes: u64,
    last_used: Instant,
    touched: Option<Instant>,
    deps: Deps,
    tally: Tally,
}

enum Phase {
    /// Reading its row; the mailbox waits.
    Loading,
    /// No sandbox.
    Idle,
    /// A sandbox is being claimed, made or adopted.
    Opening,
    /// A sandbox holds the files.
    Live(Box<Live>),
    /// It still does; programs are being ended and what they changed collected.
    Stopping(Box<Live>, Stop),
    /// The sandbox is going, or its end is being written down.
    Closing,
}

/// A sandbox and what hangs on it.
struct Live {
    sandbox: Sandbox,
    /// Absent while the agent has not called again.
    link: Option<OwnedLink>,
    /// Counts links, so that the end of an old one is not taken for the end of the present one.
    link_number: u64,
    door: SpawnHandle,
    /// When a program of it was last ended for its memory; its name, where the kernel has told.
    out_of_memory: Option<(Instant, Option<String>)>,
    claim: Claim,
}

/// Open the session. The reply comes when it is `starting`, or at once when it is beyond that; waits for nothing else.
#[derive(Message)]
#[rtype(result = "Result<Session, SessionError>")]
pub struct StartSession;

/// End the sandbox after collecting its changes. The reply comes when the session is `stopping`, or at once when nothing runs, or it is on its
/// way: then it is stopped when it has arrived.
#[derive(Debug, Message)]
#[rtype(result = "Result<Session, SessionError>")]
pub struct StopSession {
    /// Why, in words for its user.
    pub reason: String,
    /// Open it again afterwards.
    pub start_again: bool,
    /// Give up what cannot be collected. Without it a session that holds more than it may stays ready: [`SessionError::NotSaved`]; and one that
    /// has failed keeps its sandbox: [`SessionError::Uncollected`].
    pub discard: bool,
    /// Nobody reads the answer: what there is no room for stays on its volume, if it lies on one.
    pub unattended: bool,
}

/// Wait until the session is ready, starting it if need be. The reply comes when it is, or when it has failed.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct AwaitReady;

/// Change its name. The reply comes when that is committed.
#[derive(Message)]
#[rtype(result = "Result<Session, SessionError>")]
pub struct RenameSession(pub String);

/// Look at it. The reply is the state now and a stream of what happens next.
#[derive(Message)]
#[rtype(result = "Result<Subscription, SessionError>")]
pub struct Subscribe;

/// Ask for its WorkspaceSyncActor, for one write. The reply comes at once, or once what a dead sandbox has left is there again.
#[derive(Message)]
#[rtype(result = "Result<Addr<WorkspaceSyncActor>, SessionError>")]
pub struct Workspace;

/// The server stops: let go of everything, leave the sandbox running. The reply comes when what programs changed is collected, or could
/// not be within a few seconds.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Detach;

/// Fall over, as a test of the supervisor. Nothing but a test sends it: no route leads here.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
pub struct FallOver;

impl SessionActor {
    /// The actor for the session of `lease`; reads everything it needs from the database.
    #[must_use]
    pub fn new(lease: Lease, generation: u64, exit: ExitNotice, deps: Deps) -> Self {
        Self {
            id: lease.session(),
            lease,
            generation,
            exit,
            phase: Phase::Loading,
            session: None,
            terminals: HashMap::new(),
            opening_terminals: 0,
            sync: None,
            sync_failures: Failures::default(),
            sync_turn: Arc::default(),
            unkept: sync::Unkept::default(),
            waiters: Vec::new(),
            starters: Vec::new(),
            deleters: Vec::new(),
            is_collecting: false,
            undeleters: Vec::new(),
            notices: broadcast::Sender::new(NOTICES),
            announcements: broadcast::Sender::new(ANNOUNCEMENTS),
            lifetime: Lifetime::new(),
            looks: processes::Looks::default(),
            progress: None,
            start_again: false,
            stop_asked: None,
            salvages: Salvages::default(),
            wishes: 0,
            last_used: Instant::now(),
            touched: None,
            deps,
            tally: Tally::default(),
        }
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    /// Runs before the first message, which waits until the row is read.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.deps.config.actors.session_mailbox);
        self.watch_lease(ctx);
        self.load(ctx);
        ctx.run_interval(IDLE_CHECK, Self::end_when_idle);
        ctx.run_interval(lifetime::SHOW_EVERY, Self::show);
        self.look_later(ctx);
    }
}

watched!(SessionActor);

impl Handler<RenameSession> for SessionActor {
    type Result = ResponseActFuture<Self, Result<Session, SessionError>>;

    fn handle(&mut self, RenameSession(name): RenameSession, _: &mut Self::Context) -> Self::Result {
        self.used();
        let (db, lease) = (self.deps.db.clone(), self.lease.clone());
        let renaming = async move {
            let connection = db.interactive().await?;
            db::sessions::rename(&connection, &lease, &name).await?.ok_or(SessionError::NotFound)
        };
        Box::pin(renaming.into_actor(self).map(|renamed: Result<Session, SessionError>, actor, _| {
            if let (Ok(renamed), Some(session)) = (&renamed, &mut actor.session) {
                session.name.clone_from(&renamed.name);
            }
            renamed
        }))
    }
}

impl Handler<Subscribe> for SessionActor {
    type Result = Result<Subscription, SessionError>;

    fn handle(&mut self, _: Subscribe, _: &mut Self::Context) -> Self::Result {
        self.used();
        let session = self.session.clone().ok_or(SessionError::NotFound)?;
        if self.notices.receiver_count() >= self.deps.config.terminal.max_viewers {
            self.tally.refused += 1;
            return Err(SessionError::ViewerLimit);
        }
        let notices = Notices::new(self.notices.subscribe());
        Ok(Subscription { session, terminals: self.sorted_terminals(), progress: self.progress, notices })
    }
}

impl Handler<Workspace> for SessionActor {
    type Result = ResponseActFuture<Self, Result<Addr<WorkspaceSyncActor>, SessionError>>;

    fn handle(&mut self, _: Workspace, ctx: &mut Self::Context) -> Self::Result {
        self.used();
        if self.has_remains() || self.is_adopting() {
            let ready = Handler::handle(self, AwaitReady, ctx);
            return Box::pin(
                ready.map(|ready: Result<(), SessionError>, actor, _| ready.and_then(|()| actor.workspace())),
            );
        }
        Box::pin(fut::ready(self.workspace()))
    }
}

impl Handler<Detach> for SessionActor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Detach, _: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        let sync = self.sync.clone().filter(|_| self.live().is_some());
        let id = self.id;
        let collecting = async move {
            let Some(sync) = sync else { return };
            match tokio::time::timeout(closing::FLUSH_TIMEOUT, sync.send(sync::Flush)).await {
                Ok(Ok(Ok(()) | Err(SessionError::NotSaved(_)))) => {}
                // The sandbox keeps running; the next server lists it.
                _ => {
                    tracing::warn!(session.id = %id, "changes were not collected before the server stops; the next start will")
                }
            }
        };
        Box::pin(collecting.into_actor(self).map(|(), actor, ctx| {
            actor.exit.normal();
            ctx.stop();
        }))
    }
}

impl Handler<FallOver> for SessionActor {
    type Result = Result<(), SessionError>;

    fn handle(&mut self, _: FallOver, _: &mut Self::Context) -> Self::Result {
        panic!("asked to fall over");
    }
}

impl Handler<Describe> for SessionActor {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        let phase = match &self.phase {
            Phase::Loading => "loading".to_owned(),
            Phase::Idle => "idle".to_owned(),
            Phase::Opening => "opening".to_owned(),
            Phase::Live(live) if live.link.is_none() => "live, waiting for its agent".to_owned(),
            Phase::Live(_) => format!("live, {} terminals", self.terminals.len()),
            Phase::Stopping(..) => "stopping".to_owned(),
            Phase::Closing => "closing".to_owned(),
        };
        MessageResult(
            ActorDescription {
                kind: "SessionActor",
                name: self.id.to_string(),
                phase,
                generation: self.generation,
                handled: self.tally.handled,
                refused: self.tally.refused,
                queued: self.waiters.len(),
                failures: self.sync_failures.count() as u64,
                ..ActorDescription::default()
            }
            .watched(self.exit.watch()),
        )
    }
}

impl SessionActor {
    fn used(&mut self) {
        self.tally.handled += 1;
        self.last_used = Instant::now();
        self.touch();
        self.reconsider();
    }

    /// Writes down, now and then, that the session is used; nobody waits for that.
    fn touch(&mut self) {
        let Some(session) = &mut self.session else { return };
        if self.touched.is_some_and(|touched| touched.elapsed() < TOUCH_INTERVAL) {
            return;
        }
        self.touched = Some(Instant::now());
        let (db, id, now) = (self.deps.db.clone(), self.id, time::OffsetDateTime::now_utc());
        session.last_active_at = now;
        self.deps.io.spawn(async move {
            let touching = async { db::sessions::touch(&db.bulk().await?, id, now).await };
            if let Err(error) = touching.await {
                tracing::debug!(session.id = %id, error = %error, "cannot write down that a session is used");
            }
        });
    }

    /// The sandbox that holds the files, whether it is about to go or not.
    fn live(&self) -> Option<&Live> {
        match &self.phase {
            Phase::Live(live) | Phase::Stopping(live, _) => Some(live),
            _ => None,
        }
    }

    fn live_mut(&mut self) -> Option<&mut Live> {
        match &mut self.phase {
            Phase::Live(live) | Phase::Stopping(live, _) => Some(live),
            _ => None,
        }
    }

    /// What its sandbox may use.
    fn quotas(&self) -> Quotas {
        self.live().map_or_else(|| self.deps.sandboxes.quotas(), |live| live.sandbox.quotas())
    }

    fn tell(&self, notice: SessionNotice) {
        // An error means that nobody looks.
        self.notices.send(notice).ok();
    }

    fn answer_session(&self) -> ResponseActFuture<Self, Result<Session, SessionError>> {
        Box::pin(fut::ready(self.session.clone().ok_or(SessionError::NotFound)))
    }

    /// Answers everybody who waits for the session to be ready.
    fn resolve(&mut self, outcome: &Result<(), SessionError>) {
        for waiter in self.waiters.drain(..) {
            waiter.send(outcome.clone()).ok();
        }
        self.settled();
    }

    /// Takes over a row that was just written, and tells about it.
    fn take_row(&mut self, row: Session) {
        if row.state != SessionState::Starting {
            self.progress = None;
        }
        self.tell(SessionNotice::State { state: row.state, reason: row.reason.clone() });
        self.session = Some(row);
    }

    /// The WorkspaceSyncActor, replaced if it has fallen over.
    fn sync(&mut self) -> Addr<WorkspaceSyncActor> {
        match &self.sync {
            Some(sync) if sync.connected() => sync.clone(),
            _ => {
                let work = sync::Work {
                    session: self.id,
                    lease: self.lease.clone(),
                    watch: Watch::new(self.deps.config.actors.sync_mailbox),
                    db: self.deps.db.clone(),
                    group_commit: self.deps.group_commit.clone(),
                    unkept: self.unkept.clone(),
                    notices: self.notices.clone(),
                    config: self.deps.config.clone(),
                    io: self.deps.io.clone(),
                    turn: Arc::clone(&self.sync_turn),
                };
                // One that is about to be adopted may hold what the database does not have yet.
                let named = self.session.as_ref().is_some_and(|session| session.sandbox.is_some());
                let live = named || self.live().is_some();
                let watch = work.watch.clone();
                let sync = WorkspaceSyncActor::new(work, self.deps.config.actors.sync_mailbox, live).start();
                if let Some(link) = self.live().and_then(|live| live.link.as_ref()) {
                    // Only the fallen one knew which batch is to be confirmed and what was written since: the next link begins anew.
                    link.close();
                }
                self.deps.registry.insert_workspace(self.id, &sync, watch);
                self.sync = Some(sync.clone());
                sync
            }
        }
    }

    /// Ends an actor that has no sandbox, nobody looking, and nothing to do.
    fn end_when_idle(&mut self, ctx: &mut Context<Self>) {
        let idle = matches!(self.phase, Phase::Idle) && self.notices.receiver_count() == 0 && self.waiters.is_empty();
        let silent = self.last_used.elapsed() >= Duration::from_secs(self.deps.config.actors.passivate_seconds);
        if idle && silent && self.has_work_left() {
            self.salvage_by_itself(ctx);
        } else if idle && silent && !self.has_remains() {
            self.exit.normal();
            ctx.stop();
        }
    }
}
