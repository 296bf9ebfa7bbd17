//! The server's own engine, asked directly: what a container costs without Carrel.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use bollard::Docker;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, ListContainersOptions, RemoveContainerOptionsBuilder,
    StartContainerOptions,
};
use tokio::runtime::Runtime;

/// Seconds a call may take.
const TIMEOUT_SECONDS: u64 = 60;

/// Blocking calls to the engine.
pub struct Engine {
    runtime: Runtime,
    docker: Docker,
}

impl Engine {
    /// The engine whose socket lies below the server's directory for sockets.
    pub fn below(run_dir: &Path) -> anyhow::Result<Self> {
        let socket =
            find(run_dir, "docker.sock").with_context(|| format!("no docker.sock below {}", run_dir.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let docker = runtime.block_on(async {
            Docker::connect_with_unix(&socket, TIMEOUT_SECONDS, bollard::API_DEFAULT_VERSION)?.negotiate_version().await
        })?;
        Ok(Self { runtime, docker })
    }

    /// The running containers.
    pub fn containers(&self) -> anyhow::Result<Vec<String>> {
        let listed =
            self.runtime.block_on(async { self.docker.list_containers(None::<ListContainersOptions>).await })?;
        Ok(listed.into_iter().filter_map(|container| container.id).collect())
    }

    /// The process id of a container's agent.
    pub fn agent(&self, container: &str) -> anyhow::Result<u32> {
        let inspected = self
            .runtime
            .block_on(async { self.docker.inspect_container(container, None::<InspectContainerOptions>).await })?;
        let pid = inspected.state.and_then(|state| state.pid).context("no pid")?;
        Ok(u32::try_from(pid)?)
    }

    /// What it takes to make such a container again.
    pub fn recipe(&self, container: &str) -> anyhow::Result<ContainerCreateBody> {
        let inspected = self
            .runtime
            .block_on(async { self.docker.inspect_container(container, None::<InspectContainerOptions>).await })?;
        let config = inspected.config.context("no config")?;
        Ok(ContainerCreateBody {
            image: config.image,
            hostname: config.hostname,
            user: config.user,
            working_dir: config.working_dir,
            entrypoint: config.entrypoint,
            env: config.env,
            healthcheck: config.healthcheck,
            network_disabled: config.network_disabled,
            host_config: inspected.host_config,
            ..ContainerCreateBody::default()
        })
    }

    /// Makes and starts a container; removes it afterwards, which does not count.
    pub fn create_and_start(&self, recipe: &ContainerCreateBody) -> anyhow::Result<Duration> {
        self.runtime.block_on(async {
            let start = Instant::now();
            let made = self.docker.create_container(None::<CreateContainerOptions>, recipe.clone()).await?;
            self.docker.start_container(&made.id, None::<StartContainerOptions>).await?;
            let took = start.elapsed();
            let force = RemoveContainerOptionsBuilder::new().force(true).build();
            self.docker.remove_container(&made.id, Some(force)).await?;
            Ok(took)
        })
    }
}

fn find(dir: &Path, name: &str) -> Option<String> {
    let entries: Vec<_> = std::fs::read_dir(dir).ok()?.flatten().collect();
    let here = entries.iter().find(|entry| entry.file_name() == name).map(|entry| entry.path());
    let found = here.map(|path| path.to_string_lossy().into_owned());
    found.or_else(|| entries.iter().filter(|entry| entry.path().is_dir()).find_map(|entry| find(&entry.path(), name)))
}
