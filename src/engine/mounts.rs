//! Whether an engine sees what this server mounts: a volume is of no use to one that looks at the machine from elsewhere.

use std::fs;

use tokio::net::UnixStream;

use super::Engine;
use super::error::EngineError;
use super::figures::Call;
use super::host::socket_path;

impl Engine {
    /// What keeps this server's mounts from the engine's containers; `None`: nothing. A proof is only what a container then sees
    /// ([`Volume::is_seen_by`](crate::volumes::Volume::is_seen_by)).
    ///
    /// # Errors
    /// When the engine is away.
    pub async fn obstacle_to_mounts(&self) -> Result<Option<String>, EngineError> {
        let info = self.call(Call::Info, self.docker().info()).await?;
        let remaps = |option: &String| option.starts_with("name=userns") || option.starts_with("name=rootless");
        if info.security_options.unwrap_or_default().iter().any(remaps) {
            return Ok(Some("the container engine gives its users other numbers".into()));
        }
        let unreachable = |error: std::io::Error| EngineError::Unreachable { why: error.to_string() };
        let path = socket_path(self.host()).unwrap_or_default();
        let listener = UnixStream::connect(path).await.and_then(|stream| stream.peer_cred()).map_err(unreachable)?;
        let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
        let theirs = listener.pid().and_then(|pid| namespace(&pid.to_string()));
        Ok((theirs.is_none() || theirs != namespace("self"))
            .then(|| "the container engine does not see what Carrel mounts".to_owned()))
    }
}
