//! What a sandbox is made of, and the container that is made from it.
//!
//! [`SandboxSpec`] has room for sizes and for two host directories, and for nothing else: privileges, users, capabilities,
//! networks and mounts are fixed here, in [`SandboxSpec::body`], and a test holds the whole request against this promise.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bollard::models::{
    ContainerCreateBody, ContainerUpdateBody, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum,
    HostConfigLogConfig, Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountType, ResourcesUlimits,
};
use uuid::Uuid;

use crate::model::{Quotas, SandboxId};

/// The user every process of a sandbox runs as: `carrel` in the image's passwd.
const USER: &str = "1000:1000";

/// PID 1 of every sandbox. Set here and not left to the image, so that any image with the agent in it works.
pub(super) const AGENT_PATH: &str = "/usr/local/bin/carrel-agent";

/// The container's `/dev/shm` in bytes. Small: it is charged to the sandbox's memory beside the other file systems;
/// enough for the semaphores and queues of Python's multiprocessing.
const SHM_BYTES: i64 = 16 << 20;

/// How much sooner than the server the kernel ends a sandbox when the whole machine is out of memory.
const OOM_SCORE_ADJUSTMENT: i64 = 500;

/// Our system call filter, without the reasons that the file gives for people.
static SECCOMP: LazyLock<String> = LazyLock::new(|| {
    let text = include_str!("../../sandbox/seccomp.json");
    // A file that is not JSON fails a test; should one ever get here, the engine refuses it and no sandbox starts.
    serde_json::from_str(text).map_or_else(
        |_| text.to_owned(),
        |mut profile: serde_json::Value| {
            drop_comments(&mut profile);
            profile.to_string()
        },
    )
});

fn drop_comments(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.remove("comment");
            fields.values_mut().for_each(drop_comments);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_comments),
        _ => {}
    }
}

/// The engine's name of a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId(pub(super) String);

#[cfg(test)]
impl ContainerId {
    /// One the engine never made, for tests.
    pub(crate) fn named(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl ContainerId {
    /// As the engine writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerId {
    /// The twelve digits people know from `docker ps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

/// An image the engine has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageTag(pub(super) String);

impl ImageTag {
    /// `name:tag`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Labels every container and image of ours carries.
pub(super) mod label {
    /// Which Carrel made it.
    pub const INSTANCE: &str = "carrel.instance";
    /// Which sandbox it is.
    pub const SANDBOX: &str = "carrel.sandbox";
    /// By which version of the server it was made.
    pub const VERSION: &str = "carrel.version";
}

/// A sandbox to be.
#[derive(Clone, Debug)]
pub struct SandboxSpec {
    /// Its name for ever.
    pub sandbox: SandboxId,
    /// What it runs.
    pub image: ImageTag,
    /// What it may use.
    pub quotas: Quotas,
    /// Files and folders its workspace may hold.
    pub inodes: u64,
    /// MiB of `/tmp` and of the home directory, each.
    pub tmp_mb: u64,
    /// Open files per process.
    pub open_files: i64,
    /// Host directory with the server's socket; it becomes `/run/carrel`, read-only.
    pub link_dir: PathBuf,
    /// Host directory on the sandbox's own volume; it becomes the workspace. `None`: the workspace is a file system in memory.
    pub volume_dir: Option<PathBuf>,
    /// OCI runtime; `None` is the engine's default.
    pub runtime: Option<String>,
}

impl SandboxSpec {
    /// The container's name: the same for every attempt to create this sandbox, so that a second one is noticed.
    pub(super) fn name(&self, instance: Uuid) -> String {
        format!("carrel-{}-{}", &instance.simple().to_string()[..8], self.sandbox)
    }

    /// The request that creates it.
    pub(super) fn body(&self, instance: Uuid) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(self.image.0.clone()),
            hostname: Some("sandbox".into()),
            user: Some(USER.into()),
            working_dir: Some(carrel_protocol::WORKSPACE_DIR.into()),
            entrypoint: Some(vec![AGENT_PATH.into()]),
            labels: Some(HashMap::from([
                (label::INSTANCE.into(), instance.to_string()),
                (label::SANDBOX.into(), self.sandbox.to_string()),
                (label::VERSION.into(), env!("CARGO_PKG_VERSION").into()),
            ])),
            // Saves the engine's own network machinery, half of a start: 205 → 92 ms. The runtime still makes an empty network
            // namespace with a loopback interface.
            network_disabled: Some(true),
            // An image's health check would be an exec every 30 s.
            healthcheck: Some(HealthConfig { test: Some(vec!["NONE".into()]), ..HealthConfig::default() }),
            host_config: Some(self.host_config()),
            ..ContainerCreateBody::default()
        }
    }

    fn host_config(&self) -> HostConfig {
        let memory = mebibytes(self.quotas.memory_mb);
        let mut in_memory = HashMap::from([
            ("/home/carrel".into(), tmpfs(self.tmp_mb, self.inodes, "0755")),
            ("/tmp".into(), tmpfs(self.tmp_mb, self.inodes, "1777")),
        ]);
        let mut mounts = vec![bind(&self.link_dir, carrel_protocol::LINK_DIR, true)];
        match &self.volume_dir {
            Some(volume) => mounts.push(bind(volume, carrel_protocol::WORKSPACE_DIR, false)),
            None => {
                let workspace = tmpfs(self.quotas.disk_mb, self.inodes, "0755");
                in_memory.insert(carrel_protocol::WORKSPACE_DIR.into(), workspace);
            }
        }
        HostConfig {
            cap_drop: Some(vec!["ALL".into()]),
            security_opt: Some(vec!["no-new-privileges:true".into(), format!("seccomp={}", *SECCOMP)]),
            privileged: Some(false),
            readonly_rootfs: Some(true),
            network_mode: Some("none".into()),
            ipc_mode: Some("private".into()),
            cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
            // The agent is PID 1 and reaps; under another init it would share its uid with what it must outlive.
            init: Some(false),
            memory: Some(memory),
            // Memory and swap together: no swap.
            memory_swap: Some(memory),
            nano_cpus: Some(nano_cpus(self.quotas.cpus)),
            pids_limit: Some(self.quotas.pids),
            oom_score_adj: Some(OOM_SCORE_ADJUSTMENT),
            // Never nproc: it counts a uid's processes over all sandboxes together.
            ulimits: Some(vec![
                limit("nofile", self.open_files),
                // A core dump would land in somebody's workspace.
                limit("core", 0),
            ]),
            log_config: Some(HostConfigLogConfig { typ: Some("none".into()), config: None }),
            shm_size: Some(SHM_BYTES),
            tmpfs: Some(in_memory),
            mounts: Some(mounts),
            runtime: self.runtime.clone(),
            ..HostConfig::default()
        }
    }
}

/// The request that gives a running container other quotas. The workspace's size stays as it was created.
pub(super) fn update_body(quotas: &Quotas) -> ContainerUpdateBody {
    let memory = mebibytes(quotas.memory_mb);
    ContainerUpdateBody {
        memory: Some(memory),
        memory_swap: Some(memory),
        nano_cpus: Some(nano_cpus(quotas.cpus)),
        pids_limit: Some(quotas.pids),
        ..ContainerUpdateBody::default()
    }
}

/// A mount and not a "bind": the engine refuses it when the directory is missing instead of making one.
fn bind(source: &Path, target: &str, read_only: bool) -> Mount {
    Mount {
        target: Some(target.into()),
        source: Some(source.to_string_lossy().into_owned()),
        typ: Some(MountType::BIND),
        read_only: Some(read_only),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            ..MountBindOptions::default()
        }),
        ..Mount::default()
    }
}

/// Programs may be executed everywhere: `pip install` puts shared libraries into the home directory, builds run in `/tmp`.
fn tmpfs(size_mb: u64, inodes: u64, mode: &str) -> String {
    format!("rw,exec,nosuid,nodev,size={size_mb}m,nr_inodes={inodes},uid=1000,gid=1000,mode={mode}")
}

fn limit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.into()), soft: Some(value), hard: Some(value) }
}

fn mebibytes(count: u64) -> i64 {
    i64::try_from(count.saturating_mul(1 << 20)).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "quotas are at most 512 CPUs; `as` saturates")]
fn nano_cpus(cpus: f64) -> i64 {
    (cpus * 1e9).round() as i64
}

#[cfg(test)]
mod tests;
