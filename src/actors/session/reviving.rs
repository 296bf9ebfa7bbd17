//! Another container for a sandbox that has died and left its volume.
//!
//! **Invariant**: a volume is given up only when its file system cannot be used any more, or when a container on it has twice failed to come
//! up for a reason that is not known to pass.

use super::obtain::{Refusal, Reporter, find};
use super::{Deps, Quotas, sandbox};
use crate::engine::ContainerId;
use crate::model::SandboxId;
use crate::volumes::VolumeError;
use sandbox::SandboxError;

/// How often a container is tried before its volume is given up.
const ATTEMPTS: u32 = 2;

/// What a failure to revive a sandbox means for what it has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Nothing: something else is away, or full.
    Passes,
    /// It may be at fault.
    Suspicious,
    /// It is gone.
    Final,
}

impl Failure {
    fn of(error: &SandboxError) -> Self {
        match error {
            SandboxError::Volume(VolumeError::Lost(_)) => Self::Final,
            SandboxError::Volume(VolumeError::Tool { .. } | VolumeError::Unseen) | SandboxError::NoCall(_) => {
                Self::Suspicious
            }
            SandboxError::Engine(error) if !error.is_unavailable() => Self::Suspicious,
            SandboxError::Image(_)
            | SandboxError::NoPlace
            | SandboxError::Engine(_)
            | SandboxError::Door(_)
            | SandboxError::Volume(_)
            | SandboxError::OtherVersion(_)
            | SandboxError::Stopping => Self::Passes,
        }
    }
}

/// A running container on the volume of `sandbox`, in the place of `former`; else why what it held is given up.
pub(super) async fn revive(
    deps: &Deps,
    sandbox: SandboxId,
    mut former: Option<ContainerId>,
    quotas: Quotas,
    report: &Reporter,
) -> Result<Result<sandbox::Started, String>, Refusal> {
    let mut attempt = 1;
    loop {
        let stages = report.clone();
        let revived = deps.sandboxes.revive(sandbox, former.take(), quotas, move |stage| stages.stage(stage)).await;
        let error = match revived {
            Ok(started) => return Ok(Ok(started)),
            Err(error) => error,
        };
        tracing::warn!(sandbox.id = %sandbox, attempt, error = %error, "cannot bring back a sandbox that had died");
        match Failure::of(&error) {
            Failure::Passes => return Err(Refusal::Now(error.to_string())),
            Failure::Suspicious if attempt < ATTEMPTS => attempt += 1,
            Failure::Suspicious | Failure::Final => return Ok(Err(error.to_string())),
        }
        let found = find(deps, sandbox).await.map_err(|error| Refusal::Now(error.to_string()))?;
        former = found.map(|found| found.container);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::EngineError;

    #[test]
    fn only_what_is_a_volumes_own_fault_costs_it() {
        let refused = EngineError::Refused { status: 500, message: "no".into() };
        let away = EngineError::Unreachable { why: "no".into() };
        for (error, expected) in [
            (SandboxError::Volume(VolumeError::Lost("gone")), Failure::Final),
            (SandboxError::Volume(VolumeError::Tool { program: "mount", why: "no".into() }), Failure::Suspicious),
            (SandboxError::Volume(VolumeError::Unseen), Failure::Suspicious),
            (SandboxError::Volume(VolumeError::Stopping), Failure::Passes),
            (SandboxError::NoCall(Duration::ZERO), Failure::Suspicious),
            (SandboxError::Engine(refused), Failure::Suspicious),
            (SandboxError::Engine(away), Failure::Passes),
            (SandboxError::NoPlace, Failure::Passes),
            (SandboxError::Image("no".into()), Failure::Passes),
        ] {
            assert_eq!(Failure::of(&error), expected, "{error}");
        }
    }
}
