//! Sandboxes as containers: make, start, look, limit, kill, remove, and find again by label.

use std::collections::HashMap;

use bollard::models::{ContainerStateStatusEnum, ContainerSummaryStateEnum};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use futures_util::{StreamExt, TryStreamExt};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Engine;
use super::error::EngineError;
use super::figures::Call;
use super::likeness::{self, Likeness};
use super::spec::{ContainerId, SandboxSpec, label, update_body};
use crate::model::{Quotas, SandboxId};

/// Containers removed at the same time by [`Engine::remove_every_container`]; each is some 60 ms, mostly waiting for the kernel.
const REMOVALS: usize = 4;

/// A container that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The engine's name for it.
    pub id: ContainerId,
    /// Ours.
    pub sandbox: SandboxId,
}

/// What the engine says about a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerState {
    /// Whether its agent runs.
    pub running: bool,
    /// The agent's process id on the host, while it runs.
    pub pid: Option<u32>,
    /// How the agent ended; `None` while it runs and before it has been started.
    pub exit_code: Option<i64>,
    /// Whether the kernel ended the agent for memory. False says little: the `oom` event is what can be trusted.
    pub oom_killed: bool,
    /// When it was last started.
    pub started_at: Option<OffsetDateTime>,
}

/// A container of this Carrel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSandbox {
    /// The engine's name.
    pub container: ContainerId,
    /// Ours, from its label.
    pub sandbox: SandboxId,
    /// Whether its agent runs.
    pub running: bool,
    /// When it was created, to the second.
    pub created_at: OffsetDateTime,
    /// How it was made; `None`: by a server that did not say.
    pub likeness: Option<Likeness>,
}

impl Engine {
    /// Makes a sandbox's container without starting it. Made before, by an attempt that timed out: gives that one.
    ///
    /// # Errors
    /// [`EngineError::ImageMissing`]; [`EngineError::Refused`] when, for example, the link directory is missing.
    pub async fn create(&self, spec: &SandboxSpec) -> Result<Container, EngineError> {
        let name = spec.name(self.instance());
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let mut body = spec.body(self.instance());
        body.labels.get_or_insert_default().insert(likeness::LABEL.to_owned(), spec.likeness().as_str().to_owned());
        let _permit = self.start_permit().await;
        let created = self.call(Call::Create, self.docker().create_container(Some(options), body)).await;
        let id = match created {
            Ok(created) => {
                for warning in &created.warnings {
                    tracing::warn!(sandbox.id = %spec.sandbox, engine.warning = %warning, "the engine warns about a sandbox");
                }
                ContainerId(created.id)
            }
            // The name holds the sandbox's id, so whoever has it is the same sandbox, if it is ours.
            Err(EngineError::Conflict { message }) => {
                let ours = self.list().await?.into_iter().find(|found| found.sandbox == spec.sandbox);
                ours.ok_or(EngineError::Conflict { message })?.container
            }
            Err(other) => return Err(other),
        };
        Ok(Container { id, sandbox: spec.sandbox })
    }

    /// Starts it; does nothing when it runs already.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Refused`] with the runtime's words when it cannot start.
    pub async fn start(&self, id: &ContainerId) -> Result<(), EngineError> {
        let _permit = self.start_permit().await;
        self.call(Call::Start, self.docker().start_container(id.as_str(), None::<StartContainerOptions>)).await
    }

    /// Its state; `None` when there is no such container.
    ///
    /// # Errors
    /// When the engine is away.
    pub async fn inspect(&self, id: &ContainerId) -> Result<Option<ContainerState>, EngineError> {
        let answer =
            self.call(Call::Inspect, self.docker().inspect_container(id.as_str(), None::<InspectContainerOptions>));
        let state = match answer.await {
            Ok(answer) => answer.state.unwrap_or_default(),
            Err(EngineError::NotFound) => return Ok(None),
            Err(other) => return Err(other),
        };
        let running = state.running.unwrap_or(false);
        let ended = matches!(state.status, Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD));
        Ok(Some(ContainerState {
            running,
            pid: state.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid != 0),
            exit_code: state.exit_code.filter(|_| ended),
            oom_killed: state.oom_killed.unwrap_or(false),
            // A container that never ran has the engine's zero time, year 1.
            started_at: state
                .started_at
                .and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok())
                .filter(|at| at.year() > 1),
        }))
    }

    /// Kills everything in it at once; does nothing when nothing runs.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn kill(&self, id: &ContainerId) -> Result<(), EngineError> {
        match self.call(Call::Kill, self.docker().kill_container(id.as_str(), None::<KillContainerOptions>)).await {
            // The engine's answer to killing what does not run.
            Err(EngineError::Conflict { .. }) => Ok(()),
            other => other,
        }
    }

    /// Kills and removes it with everything that belongs to it; does nothing when it is gone, or somebody is removing it.
    ///
    /// # Errors
    /// When the engine is away or cannot do it; trying again later is right.
    pub async fn remove(&self, id: &ContainerId) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.call(Call::Remove, self.docker().remove_container(id.as_str(), Some(options))).await {
            Err(EngineError::NotFound | EngineError::Conflict { .. }) => Ok(()),
            other => other,
        }
    }

    /// Every container of this Carrel, running or not, whichever server process made it.
    ///
    /// # Errors
    /// When the engine is away.
    pub async fn list(&self) -> Result<Vec<FoundSandbox>, EngineError> {
        let filters = HashMap::from([("label", vec![format!("{}={}", label::INSTANCE, self.instance())])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.call(Call::List, self.docker().list_containers(Some(options))).await?;
        Ok(listed
            .into_iter()
            .filter_map(|summary| {
                let container = ContainerId(summary.id?);
                let sandbox = summary.labels.as_ref().and_then(sandbox_label);
                let likeness = summary.labels.as_ref().and_then(|labels| labels.get(likeness::LABEL));
                if sandbox.is_none() {
                    tracing::warn!(container.id = %container, "a container with our label names no sandbox; left alone");
                }
                use ContainerSummaryStateEnum::{PAUSED, RESTARTING, RUNNING};
                Some(FoundSandbox {
                    container,
                    sandbox: sandbox?,
                    running: matches!(summary.state, Some(RUNNING | PAUSED | RESTARTING)),
                    created_at: summary
                        .created
                        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
                        .unwrap_or(OffsetDateTime::UNIX_EPOCH),
                    likeness: likeness.map(|label| Likeness::read(label)),
                })
            })
            .collect())
    }

    /// Gives a container other limits for memory, CPUs and processes, running or not. The workspace's size is fixed at creation.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Refused`] when, for example, more memory is in use than it may have.
    pub async fn set_quotas(&self, id: &ContainerId, quotas: &Quotas) -> Result<(), EngineError> {
        self.call(Call::Update, self.docker().update_container(id.as_str(), update_body(quotas))).await
    }

    /// Removes all containers there are, whoever made them: for an engine that is ours alone.
    pub(super) async fn remove_every_container(&self) -> Result<(), EngineError> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let all = self.call(Call::List, self.docker().list_containers(Some(options))).await?;
        let removals = all
            .into_iter()
            .filter_map(|summary| summary.id)
            .map(|id| async move { self.remove(&ContainerId(id)).await });
        futures_util::stream::iter(removals).buffer_unordered(REMOVALS).try_collect().await
    }
}

/// The sandbox named by a container's labels.
pub(super) fn sandbox_label(labels: &HashMap<String, String>) -> Option<SandboxId> {
    labels.get(label::SANDBOX)?.parse().ok()
}
