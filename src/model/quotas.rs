//! What a sandbox may use: everybody's quotas, and what an operator has given one user instead.

use serde::{Deserialize, Serialize};

/// What a sandbox may use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Quotas {
    /// Memory in MiB, files in temporary file systems included.
    pub memory_mb: u64,
    /// CPUs.
    pub cpus: f64,
    /// Processes and threads.
    pub pids: i64,
    /// Workspace in MiB.
    pub disk_mb: u64,
}

/// What one user's sandboxes may use instead of everybody's [`Quotas`]. The size of a workspace is not among it: a sandbox that waits in the
/// warm pool has its file systems already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UserQuotas {
    /// Memory in MiB.
    pub memory_mb: Option<u64>,
    /// CPUs.
    pub cpus: Option<f64>,
    /// Processes and threads.
    pub pids: Option<i64>,
}

/// Fewest and most CPUs a sandbox may have.
pub const CPUS: std::ops::RangeInclusive<f64> = 0.05..=512.0;

/// Fewest processes a sandbox may have: the agent and a shell need some.
pub const MIN_PIDS: i64 = 16;

/// Most of them: what Linux numbers by default on large machines.
pub const MAX_PIDS: i64 = 4_194_304;

/// Most memory, in MiB: 64 TiB.
pub const MAX_MEMORY_MB: u64 = 64 << 20;

/// Why quotas are refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum QuotaError {
    /// Under what the sandbox's file systems need, or over [`MAX_MEMORY_MB`].
    #[error("memory_mb must be {least} to {MAX_MEMORY_MB}: files in the sandbox are charged to its memory")]
    Memory {
        /// The least that works, in MiB.
        least: u64,
    },
    /// Outside [`CPUS`].
    #[error("cpus must be 0.05 to 512")]
    Cpus,
    /// Outside [`MIN_PIDS`] to [`MAX_PIDS`].
    #[error("pids must be {MIN_PIDS} to {MAX_PIDS}")]
    Pids,
}

impl UserQuotas {
    /// These where they are set, `usual` elsewhere.
    #[must_use]
    pub fn over(self, usual: Quotas) -> Quotas {
        Quotas {
            memory_mb: self.memory_mb.unwrap_or(usual.memory_mb),
            cpus: self.cpus.unwrap_or(usual.cpus),
            pids: self.pids.unwrap_or(usual.pids),
            disk_mb: usual.disk_mb,
        }
    }

    /// Whether a sandbox can work with them, `least_memory_mb` being what its file systems and its agent need.
    ///
    /// # Errors
    /// The first of them that cannot be.
    pub fn check(self, least_memory_mb: u64) -> Result<(), QuotaError> {
        if self.memory_mb.is_some_and(|memory| !(least_memory_mb..=MAX_MEMORY_MB).contains(&memory)) {
            return Err(QuotaError::Memory { least: least_memory_mb });
        }
        if self.cpus.is_some_and(|cpus| !CPUS.contains(&cpus)) {
            return Err(QuotaError::Cpus);
        }
        if self.pids.is_some_and(|pids| !(MIN_PIDS..=MAX_PIDS).contains(&pids)) {
            return Err(QuotaError::Pids);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_as_for_everybody() {
        let usual = Quotas { memory_mb: 1024, cpus: 1.0, pids: 256, disk_mb: 256 };
        assert_eq!(UserQuotas::default().over(usual), usual);
        let own = UserQuotas { memory_mb: Some(4096), cpus: None, pids: Some(64) };
        assert_eq!(own.over(usual), Quotas { memory_mb: 4096, pids: 64, ..usual });
    }

    #[test]
    fn quotas_with_which_no_sandbox_can_work_are_refused() {
        let none = UserQuotas::default();
        let table = [
            (none, Ok(())),
            (UserQuotas { memory_mb: Some(512), ..none }, Ok(())),
            (UserQuotas { memory_mb: Some(511), ..none }, Err(QuotaError::Memory { least: 512 })),
            (UserQuotas { memory_mb: Some(u64::MAX), ..none }, Err(QuotaError::Memory { least: 512 })),
            (UserQuotas { cpus: Some(0.05), ..none }, Ok(())),
            (UserQuotas { cpus: Some(0.0), ..none }, Err(QuotaError::Cpus)),
            (UserQuotas { cpus: Some(f64::NAN), ..none }, Err(QuotaError::Cpus)),
            (UserQuotas { pids: Some(16), ..none }, Ok(())),
            (UserQuotas { pids: Some(-1), ..none }, Err(QuotaError::Pids)),
        ];
        for (quotas, outcome) in table {
            assert_eq!(quotas.check(512), outcome, "{quotas:?}");
        }
    }
}
