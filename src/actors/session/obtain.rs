//! How a session comes by its sandbox: one from the pool, a new one, or the one it had.
//!
//! **Invariants**: a sandbox is marked on disk and in the session's row before the first file is put into it. One that was never completely
//! restored holds nobody's work and is removed when it cannot be; any other is left as it is. What a volume holds is believed over the
//! database once the volume is marked as filled, whatever its agent says of itself: an agent that was started again has forgotten it.

use std::sync::Arc;

use actix::prelude::*;

use super::opening::Reached;
use super::reviving;
use super::{
    AgentLink, Caller, Claim, Deps, Lease, Progress, Sandbox, SessionActor, SessionError, Stage, WorkspaceSyncActor,
    db, sandbox, sync,
};
use crate::engine::FoundSandbox;
use crate::link::Door;
use crate::model::{Extent, Quotas, SandboxId, SessionId};
use carrel_protocol::Request;

/// A sandbox that holds the session's files.
pub(super) struct Opened {
    pub(super) sandbox: Sandbox,
    pub(super) claim: Claim,
    pub(super) door: Door,
    pub(super) caller: Caller,
}

/// A way for a start to say how far it is.
#[derive(Clone)]
pub(super) struct Reporter {
    addr: Addr<SessionActor>,
}

impl Reporter {
    pub(super) fn new(addr: Addr<SessionActor>) -> Self {
        Self { addr }
    }

    pub(super) fn stage(&self, stage: Stage) {
        self.report(Progress { stage, done: None, total: None });
    }

    fn report(&self, progress: Progress) {
        // Progress that has no place in the mailbox is old by the time it would have.
        self.addr.try_send(Reached(progress)).ok();
    }
}

/// From nothing to a sandbox that holds the files. `former`, which the row still names, is given up.
pub(super) async fn open(
    deps: Deps,
    lease: Lease,
    former: Option<SandboxId>,
    sync: Addr<WorkspaceSyncActor>,
    report: Reporter,
) -> Result<Opened, SessionError> {
    if let Some(former) = former {
        discard(&deps, &lease, former).await?;
    }
    let quotas = quotas(&deps, lease.session()).await?;
    let saved = saved(&deps, lease.session()).await?;
    let waiting = if deps.sandboxes.is_beyond_limits(saved) { None } else { deps.pool.claim().await };
    let started = match waiting {
        Some(started) => started,
        None => {
            let stages = report.clone();
            deps.sandboxes.create(quotas, saved, move |stage| stages.stage(stage)).await.map_err(start_failed)?
        }
    };
    let sandbox::Started { mut sandbox, door, caller } = started;
    sandbox.fit(quotas).await.map_err(start_failed)?;
    sandbox.claim().map_err(start_failed)?;
    let claim = deps.registry.claim(sandbox.id(), lease.session());
    let filling = async {
        let connection = deps.db.interactive().await?;
        if !db::sessions::claim_sandbox(&connection, &lease, sandbox.id()).await? {
            return Err(SessionError::NotFound);
        }
        drop(connection);
        fill(&sync, &caller, false, report).await
    };
    match filling.await {
        Ok(()) => {
            mark_filled(&sandbox);
            Ok(Opened { sandbox, claim, door, caller })
        }
        Err(error) => {
            // Nobody has worked in it yet.
            give_up(&deps, &lease, sandbox).await;
            Err(error)
        }
    }
}

/// What has become of the sandbox a row names.
pub(super) enum Found {
    /// It holds the files, and runs.
    Runs(Box<Opened>),
    /// It has ended, and what its programs wrote is still there.
    Left,
    /// It has ended, and its remains are removed; what was lost with it that should not have been, if anything.
    Gone(Option<String>),
}

/// Why a sandbox is not adopted.
pub(super) enum Refusal {
    /// Something is away; it may hold what the database does not have yet.
    Now(String),
    /// It cannot be spoken with, and trying again will not change that; it may hold what the database does not have yet.
    Never(String),
    /// It has ended and cannot be brought back for a reason that may stay; all that was written in it is still there.
    Kept(String),
    /// It was never completely restored and cannot be now; it is gone.
    Broken(SessionError),
}

/// From a row that names a sandbox to that sandbox, if it still runs, or if `revive` and it has left what its programs wrote.
pub(super) async fn adopt(
    deps: Deps,
    lease: Lease,
    sandbox: SandboxId,
    revive: bool,
    sync: Addr<WorkspaceSyncActor>,
    report: Reporter,
) -> Result<Found, Refusal> {
    let found = find(&deps, sandbox).await.map_err(|error| Refusal::Now(error.to_string()))?;
    let (runs, left) =
        (found.as_ref().is_some_and(|found| found.running), deps.sandboxes.outlives_its_container(sandbox));
    let container = found.map(|found| found.container);
    let saved = saved(&deps, lease.session()).await.map_err(|error| Refusal::Now(error.to_string()))?;
    let started = match container {
        Some(container) if runs => {
            report.stage(Stage::Agent);
            let adopted = deps.sandboxes.adopt(sandbox, container, saved).await;
            adopted.map_err(|error| match error {
                sandbox::SandboxError::OtherVersion(_) => Refusal::Never(error.to_string()),
                error => Refusal::Now(error.to_string()),
            })?
        }
        container if left && revive => {
            let quotas = quotas(&deps, lease.session()).await.map_err(|error| Refusal::Now(error.to_string()))?;
            match reviving::revive(&deps, sandbox, container, (quotas, saved), &report).await? {
                Ok(started) => started,
                Err(why) => return Ok(Found::Gone(Some(why))),
            }
        }
        _ if left => return Ok(Found::Left),
        container => {
            if let Err(error) = deps.sandboxes.remove(sandbox, container.as_ref()).await {
                tracing::warn!(sandbox.id = %sandbox, error = %error, "cannot remove a sandbox; the sweep will try again");
            }
            return Ok(Found::Gone(None));
        }
    };
    let sandbox::Started { mut sandbox, door, caller } = started;
    if let Err(error) = sandbox.claim() {
        sandbox.leave();
        return Err(Refusal::Now(error.to_string()));
    }
    let claim = deps.registry.claim(sandbox.id(), lease.session());
    // Without them the figures its pages are shown have other limits, nothing worse.
    if let Ok(quotas) = quotas(&deps, lease.session()).await {
        sandbox.assume(quotas);
    }
    match fill(&sync, &caller, left, report).await {
        Ok(()) => {
            mark_filled(&sandbox);
            Ok(Found::Runs(Box::new(Opened { sandbox, claim, door, caller })))
        }
        Err(SessionError::Unavailable(why)) => Err(Refusal::Now(why)),
        Err(error) if caller.hello.restored || left => Err(Refusal::Now(error.to_string())),
        Err(error) => {
            give_up(&deps, &lease, sandbox).await;
            Err(Refusal::Broken(error))
        }
    }
}

/// What the sandboxes of the session's owner may use.
async fn quotas(deps: &Deps, id: SessionId) -> Result<Quotas, SessionError> {
    let own = db::users::quotas_of_owner(&deps.db.interactive().await?, id).await?;
    Ok(own.over(deps.sandboxes.quotas()))
}

/// What the session has saved.
async fn saved(deps: &Deps, id: SessionId) -> Result<Extent, SessionError> {
    Ok(db::items::extent(&deps.db.interactive().await?, id).await?)
}

/// A volume is believed from here on.
fn mark_filled(sandbox: &Sandbox) {
    if let Err(error) = sandbox.mark_filled() {
        tracing::warn!(sandbox.id = %sandbox.id(), error = %error, "what a sandbox holds will go with its container");
    }
}

pub(super) async fn find(deps: &Deps, sandbox: SandboxId) -> Result<Option<FoundSandbox>, SessionError> {
    let (engine, io) = (deps.sandboxes.engine().clone(), deps.io.clone());
    let listing = io.spawn(async move { engine.list().await }).await.map_err(|_| SessionError::Internal)?;
    let listing = listing.map_err(|error| SessionError::Unavailable(error.to_string()))?;
    Ok(listing.into_iter().find(|found| found.sandbox == sandbox))
}

/// Removes a sandbox the row still names, with what was not collected.
pub(super) async fn discard(deps: &Deps, lease: &Lease, former: SandboxId) -> Result<(), SessionError> {
    let container = find(deps, former).await?.map(|found| found.container);
    deps.sandboxes.remove(former, container.as_ref()).await.map_err(start_failed)?;
    db::sessions::release_sandbox(&deps.db.interactive().await?, lease, former).await?;
    Ok(())
}

/// Removes a sandbox in which nobody has worked.
async fn give_up(deps: &Deps, lease: &Lease, sandbox: Sandbox) {
    let sandbox_id = sandbox.id();
    sandbox.destroy().await;
    super::closing::release(&deps.db, lease, sandbox_id).await;
}

/// Brings the sandbox and the database together. `filled`: it holds the whole workspace, though its agent may not know.
async fn fill(
    sync: &Addr<WorkspaceSyncActor>,
    caller: &Caller,
    filled: bool,
    report: Reporter,
) -> Result<(), SessionError> {
    report.stage(Stage::Restore);
    if filled && !caller.hello.restored {
        caller.link.command(Request::FinishRestore).await?;
    }
    let restored = filled || caller.hello.restored;
    let progress = Arc::new(move |done, total| {
        report.report(Progress { stage: Stage::Restore, done: Some(done), total: Some(total) });
    });
    let connect = sync::Connect { link: AgentLink::clone(&caller.link), restored, progress };
    sync.send(connect).await.map_err(|_| SessionError::Internal)?
}

fn start_failed(error: impl std::fmt::Display) -> SessionError {
    SessionError::StartFailed(error.to_string())
}
