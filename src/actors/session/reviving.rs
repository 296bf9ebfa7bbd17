//! Another container for a sandbox that has died and left its volume.
//!
//! **Invariant**: a volume is given up only when its file system cannot be used any more. Where a container on it has twice failed to come
//! up for a reason that is not known to pass (its agent does not call, the engine refuses it), the volume stays as it is, without a
//! container, and its user is told why.

use super::obtain::{Refusal, Reporter, find};
use super::{Deps, Quotas, sandbox};
use crate::engine::ContainerId;
use crate::model::{Extent, SandboxId};
use crate::volumes::VolumeError;
use sandbox::SandboxError;

/// How often a container is tried in a row.
const ATTEMPTS: u32 = 2;

/// What a failure to revive a sandbox means for what it has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Something else is away, or full: the same is tried again later.
    Passes,
    /// Trying again may not help; what is left is whole.
    Stays,
    /// It is gone.
    Final,
}

impl Failure {
    fn of(error: &SandboxError) -> Self {
        match error {
            SandboxError::Volume(VolumeError::Lost(_)) => Self::Final,
            SandboxError::Volume(VolumeError::Tool { .. } | VolumeError::Unseen) | SandboxError::NoCall(_) => {
                Self::Stays
            }
            SandboxError::OtherVersion(_) => Self::Stays,
            SandboxError::Engine(error) if !error.is_unavailable() => Self::Stays,
            SandboxError::Image(_)
            | SandboxError::NoPlace
            | SandboxError::Engine(_)
            | SandboxError::Door(_)
            | SandboxError::Volume(_)
            | SandboxError::Stopping => Self::Passes,
        }
    }
}

/// A running container on the volume of `sandbox`, in the place of `former`; else why what it held is gone.
///
/// # Errors
/// [`Refusal::Now`], and [`Refusal::Kept`] after [`ATTEMPTS`].
pub(super) async fn revive(
    deps: &Deps,
    sandbox: SandboxId,
    mut former: Option<ContainerId>,
    (quotas, saved): (Quotas, Extent),
    report: &Reporter,
) -> Result<Result<sandbox::Started, String>, Refusal> {
    let mut attempt = 1;
    loop {
        let stages = report.clone();
        let revived =
            deps.sandboxes.revive(sandbox, former.take(), quotas, saved, move |stage| stages.stage(stage)).await;
        let error = match revived {
            Ok(started) => return Ok(Ok(started)),
            Err(error) => error,
        };
        tracing::warn!(sandbox.id = %sandbox, attempt, error = %error, "cannot bring back a sandbox that had died");
        match Failure::of(&error) {
            Failure::Passes => return Err(Refusal::Now(error.to_string())),
            Failure::Final => return Ok(Err(error.to_string())),
            Failure::Stays => {}
        }
        let found = find(deps, sandbox).await.map_err(|error| Refusal::Now(error.to_string()))?;
        former = found.map(|found| found.container);
        if attempt >= ATTEMPTS {
            // Nobody can speak with it, and the next start would take it for one that runs.
            if let Some(container) = former {
                let removed = deps.sandboxes.lay_aside(sandbox, &container).await;
                removed.map_err(|error| Refusal::Now(error.to_string()))?;
            }
            return Err(Refusal::Kept(error.to_string()));
        }
        attempt += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::EngineError;

    #[test]
    fn only_a_file_system_that_is_lost_costs_a_volume() {
        let refused = EngineError::Refused { status: 500, message: "no".into() };
        let away = EngineError::Unreachable { why: "no".into() };
        for (error, expected) in [
            (SandboxError::Volume(VolumeError::Lost("gone")), Failure::Final),
            (SandboxError::Volume(VolumeError::Tool { program: "mount", why: "no".into() }), Failure::Stays),
            (SandboxError::Volume(VolumeError::Unseen), Failure::Stays),
            (SandboxError::Volume(VolumeError::Stopping), Failure::Passes),
            (SandboxError::NoCall(Duration::ZERO), Failure::Stays),
            (SandboxError::OtherVersion(1), Failure::Stays),
            (SandboxError::Engine(refused), Failure::Stays),
            (SandboxError::Engine(away), Failure::Passes),
            (SandboxError::NoPlace, Failure::Passes),
            (SandboxError::Image("no".into()), Failure::Passes),
        ] {
            assert_eq!(Failure::of(&error), expected, "{error}");
        }
    }
}
