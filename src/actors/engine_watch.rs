//! EngineWatch: the engine's news, brought to whom it concerns, and the regular comparison of what runs with what should.
//!
//! ```text
//!   connecting ──▶ watching ── stream ends ──▶ pausing ──▶ connecting …
//!       │              │
//!       └─ sweep       └─ every minute: sweep
//! ```
//!
//! **Invariants**: after every (re)connection a sweep makes up for the news missed. The sweep removes only containers with this server's
//! own label, and volumes in its own folder, which no session's row names, which nobody in this process has, and which it saw twice. That a sandbox is missing is told only
//! to a session this server serves: a row may name the sandbox of another server on the same database.
//!
//! **Talks to**: sessions through the registry, the WarmPool. Held by `app`.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use actix::prelude::*;

use super::Deps;
use super::describe::{ActorDescription, Describe, Tally};
use super::session::SandboxDied;
use super::session::life::Death;
use super::victims::{self, Victims};
use super::warm_pool::{WaitingDied, WarmPool};
use crate::db;
use crate::engine::{ContainerId, EngineError, EngineEvent, EventKind, FoundSandbox, Victim, kernel_log};
use crate::model::backoff::Backoff;
use crate::model::{SandboxId, SessionState};

/// Pauses before watching again.
const RETRY: Backoff = Backoff { first: Duration::from_millis(200), most: Duration::from_secs(5) };

/// How often what runs is compared with what should.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// The second look after a connection comes sooner: what a killed server has left half made is nobody's, and takes memory. Later than any
/// write to the database may take, so that a sandbox that is just being claimed has its row by then.
const SECOND_LOOK: Duration = Duration::from_secs(30);

/// Watches the engine.
pub struct EngineWatch {
    deps: Deps,
    pool: Addr<WarmPool>,
    watching: bool,
    failures: u32,
    /// Sandboxes, or what is left of them, which the last sweep found to be nobody's; seen again, they go.
    suspects: HashSet<SandboxId>,
    victims: Victims,
    tally: Tally,
}

impl EngineWatch {
    /// A watch that begins when it is started.
    #[must_use]
    pub fn new(deps: Deps, pool: Addr<WarmPool>) -> Self {
        Self {
            deps,
            pool,
            watching: false,
            failures: 0,
            suspects: HashSet::new(),
            victims: Victims::default(),
            tally: Tally::default(),
        }
    }

    fn watch(&mut self, ctx: &mut Context<Self>) {
        let events = self.deps.sandboxes.engine().events();
        self.watching = true;
        ctx.add_stream(events);
        self.sweep(ctx);
        ctx.run_later(SECOND_LOOK, Self::sweep);
    }

    fn route(&mut self, event: EngineEvent, ctx: &mut Context<Self>) {
        match event.kind {
            EventKind::Died { exit_code } => self.tell_owner(event.sandbox, Death::Exited(exit_code)),
            EventKind::Removed => self.tell_owner(event.sandbox, Death::Exited(None)),
            EventKind::OutOfMemory => {
                let names = self.victims.out_of_memory(event.sandbox, event.container, Instant::now());
                if names.is_empty() {
                    ctx.run_later(victims::PATIENCE, |watch, _| {
                        for sandbox in watch.victims.due(Instant::now()) {
                            watch.tell_owner(sandbox, Death::OutOfMemory { program: None });
                        }
                    });
                }
                for program in names {
                    self.tell_owner(event.sandbox, Death::OutOfMemory { program: Some(program) });
                }
            }
        }
    }

    /// A session or pool with a full mailbox learns it from the end of its link, or from the next sweep.
    fn tell_owner(&mut self, sandbox: SandboxId, how: Death) {
        let ends = !matches!(how, Death::OutOfMemory { .. });
        let owner = self.deps.registry.owner(sandbox).and_then(|session| self.deps.registry.session(session));
        let told = match owner {
            Some(session) => session.try_send(SandboxDied { sandbox, how }).is_ok(),
            None if !ends => true,
            None => self.pool.try_send(WaitingDied(sandbox)).is_ok(),
        };
        if !told {
            self.tally.refused += 1;
        }
    }

    /// Compares containers with sessions, both ways.
    fn sweep(&mut self, ctx: &mut Context<Self>) {
        let (factory, db, io) = (self.deps.sandboxes.clone(), self.deps.db.clone(), self.deps.io.clone());
        let looking = async move {
            // The database first: a sandbox claimed between the two looks is then found but not yet named, which harms nobody; the other
            // way round it would be named but not found, and taken for dead.
            let connection = db.bulk().await.map_err(|error| error.to_string())?;
            let live = db::sessions::live(&connection).await.map_err(|error| error.to_string())?;
            drop(connection);
            let listing = io.spawn(async move { (factory.engine().list().await, factory.with_volume()) });
            let (found, volumes) = listing.await.map_err(|_| "the server is stopping".to_owned())?;
            let found = found.map_err(|error| error.to_string())?;
            let volumes = volumes.map_err(|error| error.to_string())?;
            let live = live.into_iter().filter(|session| session.state != SessionState::Deleted);
            Ok::<_, String>((found, volumes, live.filter_map(|session| session.sandbox).collect::<HashSet<_>>()))
        };
        ctx.spawn(looking.into_actor(self).map(|looked, watch, ctx| match looked {
            Ok((found, volumes, named)) => watch.compare(found, volumes, &named, ctx),
            Err(error) => tracing::debug!(error, "cannot compare containers with sessions now"),
        }));
    }

    fn compare(
        &mut self,
        found: Vec<FoundSandbox>,
        volumes: Vec<SandboxId>,
        named: &HashSet<SandboxId>,
        ctx: &mut Context<Self>,
    ) {
        let running: HashSet<_> =
            found.iter().filter(|sandbox| sandbox.running).map(|sandbox| sandbox.sandbox).collect();
        let ours = |sandbox: &&SandboxId| self.deps.registry.owner(**sandbox).is_some();
        for sandbox in
            named.iter().filter(|sandbox| !running.contains(sandbox)).filter(ours).copied().collect::<Vec<_>>()
        {
            self.tell_owner(sandbox, Death::Exited(None));
        }
        let orphan = |(sandbox, _): &(SandboxId, Option<ContainerId>)| {
            // Of those that wait in the pool, or are being made, somebody knows; of one that a killed server had asked the engine for, and
            // that was started only after this server had looked, nobody does.
            !named.contains(sandbox)
                && !self.deps.sandboxes.is_held(*sandbox)
                && self.deps.registry.owner(*sandbox).is_none()
        };
        let mut all: HashMap<_, _> = volumes.into_iter().map(|sandbox| (sandbox, None)).collect();
        all.extend(found.into_iter().map(|found| (found.sandbox, Some(found.container))));
        let orphans: Vec<_> = all.into_iter().filter(orphan).collect();
        let before = std::mem::replace(&mut self.suspects, orphans.iter().map(|(sandbox, _)| *sandbox).collect());
        let factory = self.deps.sandboxes.clone();
        let removing = async move {
            for (sandbox, container) in orphans.into_iter().filter(|(sandbox, _)| before.contains(sandbox)) {
                tracing::info!(sandbox.id = %sandbox, "removing a sandbox that is nobody's");
                if let Err(error) = factory.remove(sandbox, container.as_ref()).await {
                    tracing::warn!(sandbox.id = %sandbox, error = %error, "cannot remove a sandbox; the next sweep will try again");
                }
            }
        };
        ctx.spawn(removing.into_actor(self));
    }
}

impl Actor for EngineWatch {
    type Context = Context<Self>;

    /// Runs before the first message.
    fn started(&mut self, ctx: &mut Self::Context) {
        self.watch(ctx);
        match kernel_log::victims(&self.deps.io) {
            Ok(victims) => drop(ctx.add_stream(victims)),
            Err(error) => {
                tracing::info!(error = %error, "the kernel's log cannot be read: programs ended for their memory have no name")
            }
        }
        ctx.run_interval(SWEEP_INTERVAL, Self::sweep);
    }
}

impl StreamHandler<Result<EngineEvent, EngineError>> for EngineWatch {
    fn handle(&mut self, event: Result<EngineEvent, EngineError>, ctx: &mut Self::Context) {
        self.tally.handled += 1;
        match event {
            Ok(event) => {
                self.failures = 0;
                self.route(event, ctx);
            }
            Err(error) => tracing::warn!(error = %error, "the engine's news broke off"),
        }
    }

    /// The stream has ended: begin another after a pause.
    fn finished(&mut self, ctx: &mut Self::Context) {
        self.watching = false;
        let pause = RETRY.pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        ctx.run_later(pause, Self::watch);
    }
}

impl StreamHandler<Victim> for EngineWatch {
    fn handle(&mut self, victim: Victim, _: &mut Self::Context) {
        self.tally.handled += 1;
        if let Some((sandbox, program)) = self.victims.killed(victim, Instant::now()) {
            self.tell_owner(sandbox, Death::OutOfMemory { program: Some(program) });
        }
    }

    /// The log cannot be read any more: programs stay without a name.
    fn finished(&mut self, _: &mut Self::Context) {}
}

impl Handler<Describe> for EngineWatch {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        MessageResult(ActorDescription {
            kind: "EngineWatch",
            name: "engine".to_owned(),
            phase: if self.watching { "watching" } else { "waiting for the engine" }.to_owned(),
            generation: 1,
            handled: self.tally.handled,
            refused: self.tally.refused,
            queued: self.suspects.len(),
            failures: u64::from(self.failures),
            ..ActorDescription::default()
        })
    }
}
