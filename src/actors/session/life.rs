//! What happens to a sandbox while it is this actor's: its link ends and begins again, it dies, its WorkspaceSyncActor falls over.
//!
//! **Invariants**: a sandbox that the engine says has ended is removed, but for its volume if that may know more than the database, and its
//! session is cold. One that runs is never removed because its
//! agent is silent: after [`REDIAL_TIMEOUT`], or when a stop has waited long enough, the session is `failed` and still names it (see
//! `opening.rs`).

use std::sync::Arc;

use actix::prelude::*;
use tokio_stream::wrappers::ReceiverStream;

use super::opening::unreachable_now;
use super::remains::LEFT;
use super::{
    AgentLink, Backoff, Caller, Duration, Instant, LinkEvent, Live, Phase, RestartPolicy, SessionActor, SessionError,
    SessionEvent, SessionNotice, Verdict, sync,
};
use crate::model::SandboxId;
use crate::model::terminal::Terminal;

/// How long an agent may be gone before its session has failed. It dials at least twice a second, on a machine that may be very busy.
const REDIAL_TIMEOUT: Duration = Duration::from_secs(60);

/// Pauses before the engine is asked again what has become of a silent sandbox.
const INSPECT_RETRY: Duration = Duration::from_secs(10);

/// A sandbox that ends so soon after a program of it was ended for its memory has ended for the same reason.
const SAME_DEATH: Duration = Duration::from_secs(10);

/// The WorkspaceSyncActor may fall over this often before its session does.
const SYNC_RESTARTS: RestartPolicy = RestartPolicy {
    limit: 3,
    window: Duration::from_secs(300),
    backoff: Backoff { first: Duration::from_millis(50), most: Duration::from_secs(1) },
};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Death {
    /// It has ended, with this exit code.
    Exited(Option<i64>),
    /// A program in it was killed for using too much memory; the container may live on.
    OutOfMemory {
        /// Its name, where the kernel has told.
        program: Option<String>,
    },
}

impl SessionActor {
    /// The agent has called, for the first time or again.
    pub(super) fn take_call(&mut self, caller: Caller, ctx: &mut Context<Self>) {
        let Some(live) = self.live_mut() else { return };
        live.link = Some(caller.link);
        live.link_number += 1;
        let number = live.link_number;
        self.lifetime.forget_samples();
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
            let Some(live) = actor.live() else { return };
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
            // A batch of changes the fallen one had been given would never be confirmed, and the agent would wait for ever: the next
            // link, which a new WorkspaceSyncActor begins with a listing, tells everything again.
            Verdict::Restart(pause) => {
                ctx.run_later(pause, |actor, _| {
                    actor.live().iter().filter_map(|live| live.link.as_ref()).for_each(|link| link.close());
                });
            }
        }
    }

    /// The link has ended. Either the container has died, which the engine confirms at once, or the agent dials again.
    fn link_ended(&mut self, ctx: &mut Context<Self>) {
        let Some(live) = self.live_mut() else { return };
        live.link = None;
        let number = live.link_number;
        if let Some(sync) = &self.sync {
            // A full mailbox means writes that will fail by themselves.
            sync.try_send(sync::Disconnect).ok();
        }
        self.look_after_silent(number, Instant::now(), ctx);
    }

    /// Asks the engine what has become of a sandbox whose link `number` has ended, until its agent calls, or has been silent for too long.
    fn look_after_silent(&mut self, number: u64, since: Instant, ctx: &mut Context<Self>) {
        let Some(live) = self.live().filter(|live| live.link.is_none() && live.link_number == number) else { return };
        let (engine, container) = (self.deps.sandboxes.engine().clone(), live.sandbox.container().clone());
        let (sandbox, io) = (live.sandbox.id(), self.deps.io.clone());
        let asking = async move { io.spawn(async move { engine.inspect(&container).await }).await };
        ctx.spawn(asking.into_actor(self).map(move |state, actor, ctx| {
            match state {
                Ok(Ok(Some(state))) if state.running && since.elapsed() >= REDIAL_TIMEOUT => {
                    return actor.silent(number, ctx);
                }
                Ok(Ok(Some(state))) if state.running => {}
                Ok(Ok(state)) => {
                    return actor.died(sandbox, Death::Exited(state.and_then(|state| state.exit_code)), ctx);
                }
                // The engine is away too.
                _ => {}
            }
            ctx.run_later(INSPECT_RETRY, move |actor, ctx| actor.look_after_silent(number, since, ctx));
        }));
    }

    fn silent(&mut self, number: u64, ctx: &mut Context<Self>) {
        let silent = |live: &Live| live.link.is_none() && live.link_number == number;
        // A stop that is under way has its own patience.
        if matches!(&self.phase, Phase::Live(live) if silent(live)) {
            self.leave(ctx);
        }
    }

    /// Lets go of a sandbox whose agent does not call: the session has failed and still names it.
    pub(super) fn leave(&mut self, ctx: &mut Context<Self>) {
        let (Phase::Live(live) | Phase::Stopping(live, _)) = std::mem::replace(&mut self.phase, Phase::Closing) else {
            return;
        };
        let Live { sandbox, link, door, claim, .. } = *live;
        ctx.cancel_future(door);
        drop(link);
        sandbox.leave();
        drop(claim);
        self.tell(SessionNotice::Terminals(Vec::new()));
        self.failed(SessionError::StartFailed(unreachable_now("its agent stays silent")), ctx);
    }

    fn died(&mut self, sandbox: SandboxId, how: Death, ctx: &mut Context<Self>) {
        let memory_mb = self.quotas().memory_mb;
        let Some(live) = self.live_mut().filter(|live| live.sandbox.id() == sandbox) else { return };
        if let Death::OutOfMemory { program } = how {
            let name = program.as_deref().unwrap_or("A program");
            let text = format!("{name} was ended: it needed more than {memory_mb} MiB");
            live.out_of_memory = Some((Instant::now(), program));
            return self.tell_out_of_memory(text);
        }
        let (Phase::Live(live) | Phase::Stopping(live, _)) = std::mem::replace(&mut self.phase, Phase::Closing) else {
            return;
        };
        // What ended long before it was one program of several.
        let killed = live.out_of_memory.as_ref().filter(|(at, _)| at.elapsed() < SAME_DEATH);
        // A deleted session's goes with it.
        let left = self.session.is_some() && live.sandbox.outlives_its_container();
        let files = if left { LEFT } else { "your saved files are all here" };
        let unsaved = self.unkept.list().unsaved(&self.deps.config.workspace.limits()).filter(|_| !left);
        let mut reason = match (killed.map(|(_, program)| program), how) {
            (Some(Some(program)), _) => format!("out of memory: {program}, {memory_mb} MiB"),
            (Some(None), _) => format!("out of memory: {memory_mb} MiB"),
            (None, Death::Exited(Some(code))) => {
                format!("its sandbox was ended from outside (exit code {code}); {files}")
            }
            _ => format!("its sandbox has ended unexpectedly; {files}"),
        };
        if let Some(unsaved) = unsaved {
            reason.push_str(&format!("; with it went what could not be saved: {unsaved}"));
        }
        tracing::warn!(session.id = %self.id, sandbox.id = %sandbox, reason, "a sandbox has died");
        let Live { sandbox, link, door, claim, .. } = *live;
        ctx.cancel_future(door);
        drop(link);
        if left {
            // Nobody brings it back before it is laid down.
            ctx.spawn(sandbox.bury().into_actor(self).map(move |(), actor, ctx| {
                drop(claim);
                actor.gone_cold(SessionEvent::SandboxKept, reason, ctx);
            }));
            return;
        }
        self.gone_cold(SessionEvent::SandboxLost, reason, ctx);
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
        if self.live().is_none_or(|live| live.link_number != signal.number) {
            return;
        }
        match signal.event {
            Some(LinkEvent::Changed { batch, entries, rescan }) => {
                let changed = sync::Changed { batch, entries, rescan };
                let sync = self.sync();
                if sync.try_send(changed).is_err() {
                    // So many writes wait that this one has no place: cutting the link makes the next one begin with a listing.
                    self.tally.refused += 1;
                    self.live().iter().filter_map(|live| live.link.as_ref()).for_each(|link| link.close());
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
