//! WarmPool: started sandboxes nobody has claimed, so that opening a session costs no start.
//!
//! ```text
//!   refill (one at a time, paced) ──▶ waiting sandboxes ──▶ claim (each handed out once)
//!                                          │ died, its agent hung up, or memory is short
//!                                          ▼
//!                                       dropped (removed)
//! ```
//!
//! **Invariants**: a sandbox leaves the pool in the same message in which it is handed out; one that was ever claimed never comes back. A
//! waiting sandbox holds nobody's files, and is as one made now would be, whatever server made it. While the machine has less than `pool.min_free_memory_mb` left, nothing is made, and one that waits is
//! given back at each look. Never more than `pool.size` wait, nor so many that the last of `pool.max_sandboxes` places is taken.
//!
//! **Talks to**: the sandbox factory. Held by every session through [`PoolHandle`] and by EngineWatch. Its figures go to `/metrics`.

mod figures;
mod memory;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;

use super::describe::{ActorDescription, Describe, Tally};
use super::sandbox::{SandboxError, SandboxFactory, Started};
use crate::config::PoolConfig;
use crate::engine::FoundSandbox;
use crate::model::backoff::Backoff;
use crate::model::{Extent, SandboxId};

use figures::count;
pub use figures::{PoolCount, PoolFigures};

/// Pauses after a start that failed.
const RETRY: Backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(60) };

/// How often the pool looks at the machine's memory, and whether it is full.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Keeps sandboxes ready.
pub struct WarmPool {
    config: PoolConfig,
    factory: Arc<SandboxFactory>,
    /// With the moments since which they wait.
    waiting: VecDeque<(Instant, Started)>,
    /// One is being made, or those of an earlier server are being taken over.
    making: bool,
    failures: u32,
    /// Memory is short.
    short: bool,
    stopping: bool,
    /// Told when nothing is under way any more.
    leaving: Option<oneshot::Sender<()>>,
    figures: Arc<PoolFigures>,
    tally: Tally,
}

/// Ask for a sandbox. The reply comes at once; `None`: none is waiting, make one.
#[derive(Message)]
#[rtype(result = "Option<Started>")]
struct ClaimSandbox;

/// Take over sandboxes an earlier server has left unclaimed, if they are as one made now would be; others are removed. The reply comes at once, before they have been adopted.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AdoptSandboxes(pub Vec<FoundSandbox>);

/// A container has died that no session has claimed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct WaitingDied(pub SandboxId);

/// The server stops: make no more, and leave those that wait to the next server. The reply comes when the one being made is left, too.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LeavePool;

/// How sessions reach the pool.
#[derive(Clone)]
pub struct PoolHandle(Addr<WarmPool>);

impl PoolHandle {
    /// A handle on the pool at `addr`.
    #[must_use]
    pub fn new(addr: Addr<WarmPool>) -> Self {
        Self(addr)
    }

    /// A waiting sandbox, if there is one; a pool that does not answer has none.
    pub async fn claim(&self) -> Option<Started> {
        self.0.send(ClaimSandbox).await.ok().flatten()
    }
}

impl WarmPool {
    /// An empty pool; it fills itself once it has been sent [`AdoptSandboxes`].
    #[must_use]
    pub fn new(config: PoolConfig, factory: Arc<SandboxFactory>, figures: Arc<PoolFigures>) -> Self {
        Self {
            config,
            factory,
            waiting: VecDeque::new(),
            // Until it is told what an earlier server has left: the sweep at the start would take a new one for its remains.
            making: true,
            failures: 0,
            short: false,
            leaving: None,
            stopping: false,
            figures,
            tally: Tally::default(),
        }
    }

    /// Looks how much memory there is, gives back or refills.
    fn look(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(memory::available_mb().into_actor(self).map(|available, pool, ctx| {
            match available {
                Ok(available) => pool.note_memory(available),
                // Without a figure the pool does as if there were enough; said once a minute would be too often.
                Err(error) => tracing::debug!(error = %error, "cannot tell how much memory is left"),
            }
            pool.refill(ctx);
        }));
    }

    fn note_memory(&mut self, available_mb: u64) {
        self.figures.available_mb.store(available_mb, Ordering::Relaxed);
        let (short, least_mb) = (available_mb < self.config.min_free_memory_mb, self.config.min_free_memory_mb);
        match (self.short, short) {
            (false, true) => {
                tracing::warn!(available_mb, least_mb, "memory is short: the warm pool shrinks and makes no sandboxes")
            }
            (true, false) => tracing::info!(available_mb, least_mb, "there is memory again: the warm pool refills"),
            _ => {}
        }
        self.short = short;
        if short && let Some(longest) = self.waiting.pop_front() {
            count(&self.figures.shed);
            drop(longest);
            self.note_waiting();
        }
    }

    fn note_waiting(&self) {
        self.figures.note_waiting(self.waiting.len(), self.waiting.front().map(|(since, _)| *since));
    }

    /// Starts one more sandbox if there should be one.
    fn refill(&mut self, ctx: &mut Context<Self>) {
        // The last place belongs to somebody who waits for it.
        let room = self.factory.free_places() > 1;
        if self.making || self.stopping || self.short || self.waiting.len() >= self.config.size || !room {
            return;
        }
        let factory = Arc::clone(&self.factory);
        let making = async move { factory.create(factory.quotas(), Extent::default(), |_| ()).await };
        self.making = true;
        ctx.spawn(making.into_actor(self).map(|made, pool, ctx| pool.made(made, ctx)));
    }

    fn made(&mut self, made: Result<Started, SandboxError>, ctx: &mut Context<Self>) {
        self.making = false;
        match made {
            Ok(started) => {
                self.failures = 0;
                count(&self.figures.made);
                self.waiting.push_back((Instant::now(), started));
                self.note_waiting();
                self.refill_after(Duration::from_millis(self.config.refill_interval_ms), ctx);
            }
            Err(error) => {
                let pause = RETRY.pause(self.failures);
                self.failures = self.failures.saturating_add(1);
                count(&self.figures.failures);
                tracing::warn!(error = %error, pause_s = pause.as_secs(), "cannot start a sandbox for the warm pool");
                self.refill_after(pause, ctx);
            }
        }
        self.leave_if_stopping();
    }

    /// Once the server stops: leaves those that wait, and says so when nothing is under way any more.
    fn leave_if_stopping(&mut self) {
        if !self.stopping {
            return;
        }
        self.waiting.drain(..).for_each(|(_, started)| started.sandbox.leave());
        if !self.making
            && let Some(leaving) = self.leaving.take()
        {
            // The server may have stopped waiting.
            leaving.send(()).ok();
        }
    }

    fn refill_after(&self, pause: Duration, ctx: &mut Context<Self>) {
        ctx.run_later(pause, Self::refill);
    }
}

impl Actor for WarmPool {
    type Context = Context<Self>;

    /// Runs before the first message.
    fn started(&mut self, ctx: &mut Self::Context) {
        self.look(ctx);
        ctx.run_interval(LOOK_EVERY, Self::look);
    }
}

impl Handler<ClaimSandbox> for WarmPool {
    type Result = Option<Started>;

    fn handle(&mut self, _: ClaimSandbox, ctx: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        // One whose agent has hung up is dropped, and so removed.
        let mut waiting = std::iter::from_fn(|| self.waiting.pop_front());
        let claimed = waiting.find(|(_, started)| !started.caller.link.is_closed()).map(|(_, started)| started);
        count(if claimed.is_some() { &self.figures.hits } else { &self.figures.misses });
        self.note_waiting();
        self.refill_after(Duration::from_millis(self.config.refill_interval_ms), ctx);
        claimed
    }
}

impl Handler<AdoptSandboxes> for WarmPool {
    type Result = ();

    fn handle(&mut self, AdoptSandboxes(found): AdoptSandboxes, ctx: &mut Self::Context) {
        self.tally.handled += 1;
        self.making = true;
        let (factory, size) = (Arc::clone(&self.factory), self.config.size);
        let adopting = async move {
            let mut adopted = Vec::new();
            // Without an image there is nothing to compare them with; who cannot tell what they are hands none of them out.
            let wanted = factory.likeness().await.ok();
            for FoundSandbox { sandbox, container, likeness, .. } in found {
                if adopted.len() < size && likeness.is_some() && likeness == wanted {
                    match factory.adopt(sandbox, container.clone(), Extent::default()).await {
                        Ok(started) if !started.caller.hello.restored => {
                            adopted.push(started);
                            continue;
                        }
                        Ok(started) => {
                            started.sandbox.destroy().await;
                            continue;
                        }
                        Err(error) => {
                            tracing::info!(sandbox.id = %sandbox, error = %error, "a waiting sandbox cannot be adopted")
                        }
                    }
                }
                if let Err(error) = factory.remove(sandbox, Some(&container)).await {
                    tracing::warn!(sandbox.id = %sandbox, error = %error, "cannot remove a sandbox; the sweep will try again");
                }
            }
            adopted
        };
        ctx.spawn(adopting.into_actor(self).map(|adopted, pool, ctx| {
            pool.making = false;
            let now = Instant::now();
            pool.waiting.extend(adopted.into_iter().map(|started| (now, started)));
            pool.leave_if_stopping();
            pool.note_waiting();
            pool.refill(ctx);
        }));
    }
}

impl Handler<WaitingDied> for WarmPool {
    type Result = ();

    fn handle(&mut self, WaitingDied(sandbox): WaitingDied, ctx: &mut Self::Context) {
        self.tally.handled += 1;
        let before = self.waiting.len();
        self.waiting.retain(|(_, started)| started.sandbox.id() != sandbox);
        self.figures.died.fetch_add((before - self.waiting.len()) as u64, Ordering::Relaxed);
        self.note_waiting();
        self.refill_after(Duration::from_millis(self.config.refill_interval_ms), ctx);
    }
}

impl Handler<LeavePool> for WarmPool {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: LeavePool, _: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        self.stopping = true;
        let (sender, left) = oneshot::channel();
        self.leaving = Some(sender);
        self.leave_if_stopping();
        Box::pin(async { left.await.unwrap_or(()) })
    }
}

impl Handler<Describe> for WarmPool {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        MessageResult(ActorDescription {
            kind: "WarmPool",
            name: "pool".to_owned(),
            phase: self.phase(),
            generation: 1,
            handled: self.tally.handled,
            refused: self.tally.refused,
            queued: usize::from(self.making),
            failures: u64::from(self.failures),
            ..ActorDescription::default()
        })
    }
}

impl WarmPool {
    /// In words for the operator.
    fn phase(&self) -> String {
        let PoolCount { hits, misses, .. } = self.figures.read();
        let short = if self.short { ", memory is short" } else { "" };
        format!("{} of {} waiting, {hits} hits, {misses} misses{short}", self.waiting.len(), self.config.size)
    }
}
