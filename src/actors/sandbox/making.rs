//! How a sandbox comes to be: a new one, or another container for one that has died and left its volume.
//!
//! **Invariants**: what was made before an error is removed again, but a volume that may know more than the database: that stays as it is.
//! A container whose workspace is to lie on a volume has been seen to see it before it is used.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::{Held, Sandbox, SandboxError, SandboxFactory, Started, call_within};
use crate::engine::{Call, ContainerId, EngineError, ImageTag};
use crate::link::{Door, LinkDir};
use crate::model::{Extent, Quotas, SandboxId, Stage};
use crate::volumes::{Geometry, Volume, VolumeError};

/// How long a start waits for one of `pool.max_sandboxes` places.
const PLACE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a container may take to go that somebody else is removing, and how often it is looked for.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);
const REMOVAL_PAUSE: Duration = Duration::from_millis(20);

/// Runtimes whose containers are processes of this machine, with a root directory that can be looked at.
const PLAIN_RUNTIMES: [&str; 2] = ["runc", "crun"];

/// A sandbox to be.
struct Plan {
    id: SandboxId,
    quotas: Quotas,
    saved: Extent,
    volume: Option<Volume>,
    /// Its volume holds somebody's files.
    revived: bool,
    held: Held,
}

impl SandboxFactory {
    /// Makes a sandbox for who has `saved` this much, and waits for its agent. Runs to its end even when nobody waits any more, so that nothing is left half made.
    ///
    /// # Errors
    /// [`SandboxError`]; whatever was made before the error is removed.
    pub async fn create(
        self: &Arc<Self>,
        quotas: Quotas,
        saved: Extent,
        progress: impl Fn(Stage) + Send + Sync + 'static,
    ) -> Result<Started, SandboxError> {
        let factory = Arc::clone(self);
        let making = self.io.spawn(async move {
            let id = SandboxId::new();
            let volume = factory.on_volumes.then(|| factory.volumes.of_sandbox(id));
            let held = Held::new(&factory, id);
            factory.launch(Plan { id, quotas, saved, volume, revived: false, held }, progress).await
        });
        making.await.map_err(|_| SandboxError::Stopping)?
    }

    /// Gives a sandbox that has died, and left its volume, another container in the place of `former`.
    ///
    /// # Errors
    /// [`SandboxError`]; the volume is still there.
    pub async fn revive(
        self: &Arc<Self>,
        id: SandboxId,
        former: Option<ContainerId>,
        quotas: Quotas,
        saved: Extent,
        progress: impl Fn(Stage) + Send + Sync + 'static,
    ) -> Result<Started, SandboxError> {
        let factory = Arc::clone(self);
        let reviving = self.io.spawn(async move {
            let held = Held::new(&factory, id);
            if let Some(former) = former {
                factory.part_with(&former).await?;
            }
            let volume = factory.volumes.of_sandbox(id);
            volume.reopen().await?;
            factory.launch(Plan { id, quotas, saved, volume: Some(volume), revived: true, held }, progress).await
        });
        reviving.await.map_err(|_| SandboxError::Stopping)?
    }

    /// Removes a container and waits until it is gone: somebody else may be removing it, and its name is to be had by the next.
    async fn part_with(&self, container: &ContainerId) -> Result<(), SandboxError> {
        self.engine.remove(container).await?;
        let until = Instant::now() + REMOVAL_PATIENCE;
        while self.engine.inspect(container).await?.is_some() {
            if Instant::now() >= until {
                return Err(EngineError::Timeout { call: Call::Remove }.into());
            }
            tokio::time::sleep(REMOVAL_PAUSE).await;
        }
        Ok(())
    }

    async fn launch(self: Arc<Self>, plan: Plan, progress: impl Fn(Stage)) -> Result<Started, SandboxError> {
        progress(Stage::Image);
        let image = self.image().await?;
        let place = self.place(&progress).await?;
        progress(Stage::Container);
        let (mut door, container) = match self.contain(&plan, image).await {
            Ok(made) => made,
            Err(error) => {
                self.forget(&plan).await;
                return Err(error);
            }
        };
        // From here on the drop of `sandbox` removes what is to be removed.
        let Plan { id, quotas, volume, revived, held, .. } = plan;
        let (dir, quotas, place, held) = (LinkDir::of(&self.run_dir, id), Some(quotas), Some(place), Some(held));
        let factory = Arc::clone(&self);
        let sandbox = Sandbox { id, container, dir, claimed: revived, kept: false, place, held, quotas, factory };
        self.engine.start(&sandbox.container).await?;
        progress(Stage::Agent);
        let caller = call_within(&mut door, Duration::from_secs(self.config.sandbox.agent_timeout_seconds)).await?;
        if let Some(volume) = volume {
            self.check(&volume, &sandbox.container).await?;
        }
        Ok(Started { sandbox, door, caller })
    }

    async fn place(&self, progress: impl Fn(Stage)) -> Result<OwnedSemaphorePermit, SandboxError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        progress(Stage::Queued);
        let waiting = tokio::time::timeout(PLACE_TIMEOUT, Arc::clone(&self.places).acquire_owned());
        waiting.await.map_err(|_| SandboxError::NoPlace)?.map_err(|_| SandboxError::Stopping)
    }

    /// Everything of a sandbox that is there before it starts.
    async fn contain(&self, plan: &Plan, image: ImageTag) -> Result<(Door, ContainerId), SandboxError> {
        if let Some(volume) = plan.volume.as_ref().filter(|_| !plan.revived) {
            let (disk_mb, inodes) = (plan.quotas.disk_mb, self.config.sandbox.inodes);
            volume.create(Geometry { disk_mb, inodes }).await?;
        }
        let dir = LinkDir::of(&self.run_dir, plan.id);
        dir.create()?;
        let door = Door::open(dir, self.limits(plan.saved)).await?;
        let spec = self.spec(plan.id, image, plan.volume.as_ref(), plan.quotas);
        Ok((door, self.engine.create(&spec).await?.id))
    }

    /// Removes what [`SandboxFactory::contain`] has made before it failed.
    async fn forget(&self, plan: &Plan) {
        let volume = plan.volume.as_ref().filter(|_| !plan.revived);
        let removed = match volume {
            Some(volume) => volume.remove().await.map_err(SandboxError::from),
            None => Ok(()),
        };
        let removed = removed.and(LinkDir::of(&self.run_dir, plan.id).remove().map_err(SandboxError::from));
        if let Err(error) = removed {
            tracing::warn!(sandbox.id = %plan.id, error = %error, "cannot remove half a sandbox; the sweep will try again");
        }
    }

    /// Makes sure that what a container writes is bounded: the engine may see other mounts than this server.
    async fn check(&self, volume: &Volume, container: &ContainerId) -> Result<(), SandboxError> {
        if self.config.engine.runtime.as_deref().is_some_and(|runtime| !PLAIN_RUNTIMES.contains(&runtime)) {
            return Ok(());
        }
        let pid = self.engine.inspect(container).await?.and_then(|state| state.pid);
        if pid.is_some_and(|pid| volume.is_seen_by(pid)) { Ok(()) } else { Err(VolumeError::Unseen.into()) }
    }
}
