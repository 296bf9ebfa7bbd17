//! WarmPool: started sandboxes nobody has claimed, so that opening a session costs no start.
//!
//! ```text
//!   refill (one at a time, paced) ──▶ waiting sandboxes ──▶ claim (each handed out once)
//!                                          │ died, or its agent hung up
//!                                          ▼
//!                                       dropped (removed)
//! ```
//!
//! **Invariants**: a sandbox leaves the pool in the same message in which it is handed out; one that was ever claimed never comes back. A
//! waiting sandbox holds nobody's files.
//!
//! **Talks to**: the sandbox factory. Held by every session through [`PoolHandle`] and by EngineWatch.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use super::describe::{ActorDescription, Describe, Tally};
use super::sandbox::{SandboxFactory, Started};
use crate::config::PoolConfig;
use crate::engine::FoundSandbox;
use crate::model::SandboxId;
use crate::model::backoff::Backoff;

/// Pauses after a start that failed.
const RETRY: Backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(60) };

/// Keeps sandboxes ready.
pub struct WarmPool {
    config: PoolConfig,
    factory: Arc<SandboxFactory>,
    waiting: VecDeque<Started>,
    making: bool,
    failures: u32,
    hits: u64,
    misses: u64,
    stopping: bool,
    tally: Tally,
}

/// Ask for a sandbox. The reply comes at once; `None`: none is waiting, make one.
#[derive(Message)]
#[rtype(result = "Option<Started>")]
struct ClaimSandbox;

/// Take over sandboxes an earlier server has left unclaimed. The reply comes at once, before they have been adopted.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AdoptSandboxes(pub Vec<FoundSandbox>);

/// A container has died that no session has claimed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct WaitingDied(pub SandboxId);

/// The server stops: make no more, and leave those that wait to the next server. The reply comes at once.
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
    /// An empty pool; it fills itself once it is started.
    #[must_use]
    pub fn new(config: PoolConfig, factory: Arc<SandboxFactory>) -> Self {
        Self {
            config,
            factory,
            waiting: VecDeque::new(),
            making: false,
            failures: 0,
            hits: 0,
            misses: 0,
            stopping: false,
            tally: Tally::default(),
        }
    }

    /// Starts one more sandbox if there should be one.
    fn refill(&mut self, ctx: &mut Context<Self>) {
        // The last place belongs to somebody who waits for it.
        let room = self.factory.free_places() > 1;
        if self.making || self.stopping || self.waiting.len() >= self.config.size || !room {
            return;
        }
        self.making = true;
        let factory = Arc::clone(&self.factory);
        let making = async move { factory.create(|_| ()).await };
        ctx.spawn(making.into_actor(self).map(|made, pool, ctx| {
            pool.making = false;
            match made {
                Ok(started) if !pool.stopping => {
                    pool.failures = 0;
                    pool.waiting.push_back(started);
                    pool.refill_after(Duration::from_millis(pool.config.refill_interval_ms), ctx);
                }
                Ok(_) => {}
                Err(error) => {
                    let pause = RETRY.pause(pool.failures);
                    pool.failures = pool.failures.saturating_add(1);
                    tracing::warn!(error = %error, pause_s = pause.as_secs(), "cannot start a sandbox for the warm pool");
                    pool.refill_after(pause, ctx);
                }
            }
        }));
    }

    fn refill_after(&self, pause: Duration, ctx: &mut Context<Self>) {
        ctx.run_later(pause, Self::refill);
    }
}

impl Actor for WarmPool {
    type Context = Context<Self>;

    /// Runs before the first message.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_secs(5), Self::refill);
    }
}

impl Handler<ClaimSandbox> for WarmPool {
    type Result = Option<Started>;

    fn handle(&mut self, _: ClaimSandbox, ctx: &mut Self::Context) -> Self::Result {
        self.tally.handled += 1;
        // One whose agent has hung up is dropped, and so removed.
        let claimed = std::iter::from_fn(|| self.waiting.pop_front()).find(|started| !started.caller.link.is_closed());
        if claimed.is_some() {
            self.hits += 1;
        } else {
            self.misses += 1;
        }
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
            for FoundSandbox { sandbox, container, .. } in found {
                if adopted.len() < size {
                    match factory.adopt(sandbox, container.clone()).await {
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
                if let Err(error) = factory.remove(sandbox, &container).await {
                    tracing::warn!(sandbox.id = %sandbox, error = %error, "cannot remove a sandbox; the sweep will try again");
                }
            }
            adopted
        };
        ctx.spawn(adopting.into_actor(self).map(|adopted, pool, ctx| {
            pool.making = false;
            pool.waiting.extend(adopted);
            pool.refill(ctx);
        }));
    }
}

impl Handler<WaitingDied> for WarmPool {
    type Result = ();

    fn handle(&mut self, WaitingDied(sandbox): WaitingDied, ctx: &mut Self::Context) {
        self.tally.handled += 1;
        self.waiting.retain(|started| started.sandbox.id() != sandbox);
        self.refill_after(Duration::from_millis(self.config.refill_interval_ms), ctx);
    }
}

impl Handler<LeavePool> for WarmPool {
    type Result = ();

    fn handle(&mut self, _: LeavePool, _: &mut Self::Context) {
        self.tally.handled += 1;
        self.stopping = true;
        self.waiting.drain(..).for_each(|started| started.sandbox.leave());
    }
}

impl Handler<Describe> for WarmPool {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        MessageResult(ActorDescription {
            kind: "WarmPool",
            name: "pool".to_owned(),
            phase: format!(
                "{} of {} waiting, {} hits, {} misses",
                self.waiting.len(),
                self.config.size,
                self.hits,
                self.misses
            ),
            generation: 1,
            handled: self.tally.handled,
            refused: self.tally.refused,
            queued: usize::from(self.making),
            failures: u64::from(self.failures),
            ..ActorDescription::default()
        })
    }
}
