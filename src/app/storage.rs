//! Where workspaces lie: on volumes where the machine allows, in memory elsewhere.

use anyhow::bail;
use nix::unistd::geteuid;

use crate::config::{Config, Storage};
use crate::engine::Engine;
use crate::volumes::Volumes;

/// Whether new sandboxes are to have a volume, found out by trying; said once in the log.
///
/// # Errors
/// When they must have one and cannot; when the engine is away.
pub(super) async fn decide(config: &Config, engine: &Engine, volumes: Volumes) -> anyhow::Result<(Volumes, bool)> {
    let obstacle = match config.sandbox.storage {
        Storage::Memory => None,
        Storage::Auto | Storage::Volume => obstacle(config, engine, &volumes).await?,
    };
    let on_volumes = choose(config.sandbox.storage, obstacle.as_deref())?;
    let why = obstacle.unwrap_or_else(|| "as configured".to_owned());
    match on_volumes {
        true => tracing::info!("workspaces lie on volumes below the data directory"),
        false => tracing::info!(why, "workspaces lie in memory: what a sandbox had not handed over goes with it"),
    }
    Ok((volumes, on_volumes))
}

fn choose(wanted: Storage, obstacle: Option<&str>) -> anyhow::Result<bool> {
    match (wanted, obstacle) {
        (Storage::Memory, _) | (Storage::Auto, Some(_)) => Ok(false),
        (_, None) => Ok(true),
        (Storage::Volume, Some(why)) => bail!(
            "sandbox.storage is \"volume\", and workspaces cannot lie on volumes here: {why}; mend that, or set it to \"auto\" or \"memory\""
        ),
    }
}

/// What keeps workspaces from lying on volumes; `None`: nothing.
async fn obstacle(config: &Config, engine: &Engine, volumes: &Volumes) -> anyhow::Result<Option<String>> {
    if !geteuid().is_root() {
        return Ok(Some("only root can mount them".into()));
    }
    // Who has chosen both knows what they do together.
    if let (Storage::Auto, Some(runtime)) = (config.sandbox.storage, &config.engine.runtime)
        && runtime != "runc"
        && runtime != "crun"
    {
        return Ok(Some(format!("they have not been tried with the runtime {runtime}")));
    }
    if let Some(why) = engine.obstacle_to_mounts().await? {
        return Ok(Some(why));
    }
    Ok(volumes.probe().await.err().map(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_used_where_they_can_be_and_missed_only_by_who_insists() {
        for (wanted, obstacle, expected) in [
            (Storage::Auto, None, Some(true)),
            (Storage::Auto, Some("no loop devices"), Some(false)),
            (Storage::Memory, None, Some(false)),
            (Storage::Volume, None, Some(true)),
            (Storage::Volume, Some("no loop devices"), None),
        ] {
            let chosen = choose(wanted, obstacle);
            assert_eq!(chosen.as_ref().ok().copied(), expected, "{wanted:?} {obstacle:?}");
            if let Err(error) = chosen {
                let text = error.to_string();
                assert!(text.contains("no loop devices") && text.contains("\"auto\" or \"memory\""), "{text}");
            }
        }
    }
}
