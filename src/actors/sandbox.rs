//! Sandboxes: a container, its link directory, its agent and, where workspaces lie on a disk, its volume; made and removed as one thing.
//!
//! **Invariants**: a sandbox is handed to at most one session in its life ([`Sandbox::claim`] marks it on disk first). A sandbox nobody
//! has claimed is removed when it is dropped; a claimed one is left running, for its session's next actor to adopt, until somebody awaits
//! [`Sandbox::destroy`]. One that has died may outlive its container, on its volume ([`Sandbox::bury`]), until it is given another
//! ([`SandboxFactory::revive`]). What a killed server leaves behind is adopted or swept by label.

mod making;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use carrel_protocol::{Limits, PROTOCOL_VERSION};
use dashmap::DashSet;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::config::Config;
use crate::engine::{ContainerId, Engine, EngineError, ImageTag, Likeness, SandboxSpec};
use crate::link::door::Caller;
use crate::link::{Door, DoorError, LinkDir};
use crate::model::unkept::MAX_OVER;
use crate::model::{Extent, Quotas, SandboxId};
use crate::volumes::{Volume, VolumeError, Volumes};

/// How long an adopted sandbox's agent may take to call: it dials at least twice a second, on a machine that may be very busy.
const ADOPTION_TIMEOUT: Duration = Duration::from_secs(20);

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The image could not be prepared.
    #[error("the sandbox image is not ready: {0}")]
    Image(String),
    /// Every place stayed taken.
    #[error("all places for sandboxes on this machine are taken: stop a session, or try again later")]
    NoPlace,
    /// The engine refused or failed.
    #[error("the container engine: {0}")]
    Engine(#[from] EngineError),
    /// The link's directory or socket.
    #[error("the sandbox's socket: {0}")]
    Door(#[from] DoorError),
    /// The disk its workspace is to lie on.
    #[error("the sandbox's workspace: {0}")]
    Volume(#[from] VolumeError),
    /// The container runs but its agent has not called.
    #[error("the sandbox started but its agent did not call within {} s", .0.as_secs())]
    NoCall(Duration),
    /// The container runs and its agent has called, in another version of the protocol.
    #[error(
        "it was started by another version of Carrel, which speaks version {0} of the agent's protocol; this one speaks {PROTOCOL_VERSION}"
    )]
    OtherVersion(u16),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// How far the image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageState {
    /// It is being made.
    Preparing,
    /// It is there under this tag.
    Ready(ImageTag),
    /// It could not be made.
    Failed(String),
}

/// Makes, adopts and removes sandboxes.
pub struct SandboxFactory {
    engine: Engine,
    image: watch::Receiver<ImageState>,
    config: Arc<Config>,
    run_dir: PathBuf,
    volumes: Volumes,
    /// Whether sandboxes made now have a volume each.
    on_volumes: bool,
    places: Arc<Semaphore>,
    /// Sandboxes somebody in this process has, or is making or taking over.
    held: Arc<DashSet<SandboxId>>,
    io: Handle,
}

/// A started sandbox whose agent has called.
pub struct Started {
    /// The sandbox.
    pub sandbox: Sandbox,
    /// Where its agent calls again after the link has broken.
    pub door: Door,
    /// The agent's call.
    pub caller: Caller,
}

/// One container of ours.
pub struct Sandbox {
    id: SandboxId,
    container: ContainerId,
    dir: LinkDir,
    claimed: bool,
    /// Its end is somebody else's: the next server's, or a removal's under way.
    kept: bool,
    place: Option<OwnedSemaphorePermit>,
    held: Option<Held>,
    /// What it may use; unknown of one that was taken over.
    quotas: Option<Quotas>,
    factory: Arc<SandboxFactory>,
}

/// Says that a sandbox is somebody's for as long as it lives.
struct Held {
    id: SandboxId,
    all: Arc<DashSet<SandboxId>>,
}

impl Held {
    fn new(factory: &SandboxFactory, id: SandboxId) -> Self {
        factory.held.insert(id);
        Self { id, all: Arc::clone(&factory.held) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.remove(&self.id);
    }
}

impl SandboxFactory {
    /// `run_dir` is the short directory for sockets; `image` tells when the image is there; `on_volumes`: new sandboxes have a volume
    /// each.
    #[must_use]
    pub fn new(
        engine: Engine,
        image: watch::Receiver<ImageState>,
        config: Arc<Config>,
        run_dir: PathBuf,
        (volumes, on_volumes): (Volumes, bool),
        io: Handle,
    ) -> Self {
        let places = Arc::new(Semaphore::new(config.pool.max_sandboxes));
        Self { engine, image, config, run_dir, volumes, on_volumes, places, held: Arc::default(), io }
    }

    /// Whether somebody in this process has a sandbox, or is making it or taking it over.
    #[must_use]
    pub fn is_held(&self, id: SandboxId) -> bool {
        self.held.contains(&id)
    }

    /// The engine, for those who watch it.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Places for sandboxes that are free now.
    #[must_use]
    pub fn free_places(&self) -> usize {
        self.places.available_permits()
    }

    /// What a sandbox has in common with others that is made now, for nobody in particular; waits for the image.
    ///
    /// # Errors
    /// [`SandboxError::Image`], [`SandboxError::Stopping`].
    pub async fn likeness(&self) -> Result<Likeness, SandboxError> {
        let (image, id) = (self.image().await?, SandboxId::new());
        let volume = self.on_volumes.then(|| self.volumes.of_sandbox(id));
        Ok(self.spec(id, image, volume.as_ref(), self.quotas()).likeness())
    }

    /// Takes over a running container that an earlier actor or server has left, whose session has `saved` this much.
    ///
    /// # Errors
    /// [`SandboxError`]; the container is then still there.
    pub async fn adopt(
        self: &Arc<Self>,
        id: SandboxId,
        container: ContainerId,
        saved: Extent,
    ) -> Result<Started, SandboxError> {
        let factory = Arc::clone(self);
        let adopting = self.io.spawn(async move {
            let held = Some(Held::new(&factory, id));
            let dir = LinkDir::of(&factory.run_dir, id);
            let mut door = Door::open(dir.clone(), factory.limits(saved)).await?;
            let caller = call_within(&mut door, ADOPTION_TIMEOUT).await?;
            // It runs already, so it counts even where it is one too many.
            let place = Arc::clone(&factory.places).try_acquire_owned().ok();
            let (claimed, quotas) = (dir.is_claimed(), None);
            let sandbox = Sandbox { id, container, dir, claimed, kept: false, place, held, quotas, factory };
            Ok(Started { sandbox, door, caller })
        });
        adopting.await.map_err(|_| SandboxError::Stopping)?
    }

    /// Removes a sandbox's container, volume and link directory; absent is fine.
    ///
    /// # Errors
    /// [`SandboxError`]; the sweep tries again.
    pub async fn remove(&self, id: SandboxId, container: Option<&ContainerId>) -> Result<(), SandboxError> {
        if let Some(container) = container {
            self.engine.remove(container).await?;
        }
        self.volumes.of_sandbox(id).remove().await?;
        LinkDir::of(&self.run_dir, id).remove()?;
        Ok(())
    }

    /// Removes a sandbox's container and link directory; what lies on its volume is on the disk then.
    ///
    /// # Errors
    /// [`SandboxError`]; calling it again is right.
    pub async fn lay_aside(&self, id: SandboxId, container: &ContainerId) -> Result<(), SandboxError> {
        self.engine.remove(container).await?;
        LinkDir::of(&self.run_dir, id).remove()?;
        Ok(self.volumes.of_sandbox(id).lay_down().await?)
    }

    /// Whether a sandbox, were its container gone, has a volume that may know more than the database.
    #[must_use]
    pub fn outlives_its_container(&self, id: SandboxId) -> bool {
        self.volumes.of_sandbox(id).is_filled()
    }

    /// The sandboxes that have a volume.
    ///
    /// # Errors
    /// Of the file system.
    pub fn with_volume(&self) -> Result<Vec<SandboxId>, SandboxError> {
        Ok(self.volumes.list()?)
    }

    /// Whether a sandbox may hold somebody's files.
    #[must_use]
    pub fn is_claimed(&self, id: SandboxId) -> bool {
        LinkDir::of(&self.run_dir, id).is_claimed()
    }

    /// Removes link directories whose container is not among `known`.
    ///
    /// # Errors
    /// Of the file system.
    pub fn sweep_dirs(&self, known: &[SandboxId]) -> Result<(), DoorError> {
        LinkDir::list(&self.run_dir)?
            .into_iter()
            .filter(|id| !known.contains(id))
            .try_for_each(|id| LinkDir::of(&self.run_dir, id).remove())
    }

    async fn image(&self) -> Result<ImageTag, SandboxError> {
        let mut image = self.image.clone();
        let state =
            image.wait_for(|state| *state != ImageState::Preparing).await.map_err(|_| SandboxError::Stopping)?;
        match &*state {
            ImageState::Ready(tag) => Ok(tag.clone()),
            ImageState::Failed(why) => Err(SandboxError::Image(why.clone())),
            ImageState::Preparing => Err(SandboxError::Stopping),
        }
    }

    fn spec(&self, sandbox: SandboxId, image: ImageTag, volume: Option<&Volume>, quotas: Quotas) -> SandboxSpec {
        let config = &self.config.sandbox;
        SandboxSpec {
            sandbox,
            image,
            quotas,
            inodes: config.inodes,
            tmp_mb: config.tmp_mb,
            open_files: config.open_files,
            link_dir: LinkDir::of(&self.run_dir, sandbox).mounted(),
            volume_dir: volume.map(Volume::workspace),
            runtime: self.config.engine.runtime.clone(),
        }
    }

    /// What a sandbox may use whose user has no quotas of their own.
    #[must_use]
    pub fn quotas(&self) -> Quotas {
        let config = &self.config.sandbox;
        Quotas { memory_mb: config.memory_mb, cpus: config.cpus, pids: config.pids, disk_mb: config.disk_mb }
    }

    /// Whether a session has saved more than the limits allow now, so that a sandbox made for nobody in particular cannot take it.
    #[must_use]
    pub fn is_beyond_limits(&self, saved: Extent) -> bool {
        self.limits(saved) != self.limits(Extent::default())
    }

    /// What is saved, under other limits perhaps, is put in, named and hashed like everything: the limits are for what is new.
    fn limits(&self, saved: Extent) -> Limits {
        let (terminal, workspace) = (&self.config.terminal, &self.config.workspace);
        let items = u32::try_from(saved.items).unwrap_or(u32::MAX);
        Limits {
            ring_bytes: terminal.ring_bytes,
            // Beyond what may be kept, so that what is too much can be named.
            max_items: workspace.max_items.max(items).saturating_add(MAX_OVER),
            max_file_bytes: (workspace.max_file_mb * 1024 * 1024).max(saved.largest_bytes),
            viewer_stall_ms: u32::try_from(terminal.stall_seconds * 1000).unwrap_or(u32::MAX),
            ignore: workspace.ignore.clone(),
        }
    }
}

async fn call_within(door: &mut Door, timeout: Duration) -> Result<Caller, SandboxError> {
    let foreign = door.foreign();
    tokio::select! {
        caller = tokio::time::timeout(timeout, door.next()) => match caller {
            Ok(Some(caller)) => Ok(caller),
            Ok(None) => Err(SandboxError::Stopping),
            Err(_) => Err(SandboxError::NoCall(timeout)),
        },
        version = foreign => Err(SandboxError::OtherVersion(version)),
    }
}

impl Sandbox {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> SandboxId {
        self.id
    }

    /// Its container.
    #[must_use]
    pub fn container(&self) -> &ContainerId {
        &self.container
    }

    /// Makes it somebody's, for good.
    ///
    /// # Errors
    /// Of the file system; it must then not be used.
    pub fn claim(&mut self) -> Result<(), DoorError> {
        self.dir.mark_claimed()?;
        self.claimed = true;
        Ok(())
    }

    /// Notes that the whole workspace is in it: from here on it may know more than the database.
    ///
    /// # Errors
    /// Of the file system; what it knows then goes with its container.
    pub fn mark_filled(&self) -> Result<(), SandboxError> {
        let volume = self.factory.volumes.of_sandbox(self.id);
        if volume.exists() {
            volume.mark_filled()?;
        }
        Ok(())
    }

    /// What it may use, as far as this server knows.
    #[must_use]
    pub fn quotas(&self) -> Quotas {
        self.quotas.unwrap_or_else(|| self.factory.quotas())
    }

    /// Takes for granted that it was given these quotas, by the server that left it.
    pub fn assume(&mut self, quotas: Quotas) {
        self.quotas.get_or_insert(quotas);
    }

    /// Gives it these quotas, if it has others. The size of its workspace stays.
    ///
    /// # Errors
    /// [`SandboxError::Engine`], for example when its programs use more memory than it is to have.
    pub async fn fit(&mut self, quotas: Quotas) -> Result<(), SandboxError> {
        if self.quotas != Some(quotas) {
            let (engine, container) = (self.factory.engine.clone(), self.container.clone());
            let fitting = self.factory.io.spawn(async move { engine.set_quotas(&container, &quotas).await });
            fitting.await.map_err(|_| SandboxError::Stopping)??;
            self.quotas = Some(quotas);
        }
        Ok(())
    }

    /// Lets go of it as it is, for the next server to adopt.
    pub fn leave(mut self) {
        self.kept = true;
    }

    /// Removes all of it. When the engine fails, the sweep finds the container by its label.
    pub async fn destroy(self) {
        let (factory, id, container) = (Arc::clone(&self.factory), self.id, self.container.clone());
        self.undo(async move { factory.remove(id, Some(&container)).await }).await;
    }

    /// Whether what its programs have written is still there once its container is gone.
    #[must_use]
    pub fn outlives_its_container(&self) -> bool {
        self.factory.outlives_its_container(self.id)
    }

    /// Removes what is left of a container that has died. What its programs have written stays, on its volume.
    pub fn bury(self) -> impl Future<Output = ()> + use<> {
        let (factory, id, container) = (Arc::clone(&self.factory), self.id, self.container.clone());
        self.undo(async move { factory.lay_aside(id, &container).await })
    }

    async fn undo(mut self, work: impl Future<Output = Result<(), SandboxError>> + Send + 'static) {
        self.kept = true;
        let id = self.id;
        // In a task of its own: half a removal helps nobody.
        let removing = self.factory.io.spawn(work);
        match removing.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(sandbox.id = %id, error = %error, "cannot remove a sandbox; the sweep will try again")
            }
            Err(error) => tracing::error!(sandbox.id = %id, error = %error, "removing a sandbox was cut off"),
        }
        self.place = None;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.claimed || self.kept {
            return;
        }
        let (factory, id, container) = (Arc::clone(&self.factory), self.id, self.container.clone());
        let (place, held) = (self.place.take(), self.held.take());
        self.factory.io.spawn(async move {
            if let Err(error) = factory.remove(id, Some(&container)).await {
                tracing::warn!(sandbox.id = %id, error = %error, "cannot remove a sandbox; the sweep will try again");
            }
            drop((place, held));
        });
    }
}
