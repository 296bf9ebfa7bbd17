//! Which engine: a configured one, the machine's, or our own.
//!
//! `engine.host` → `DOCKER_HOST` → the usual socket, if it answers → our own, as root. `engine.embedded = "always"` skips the two in
//! the middle, `"never"` the last. What was named is used or refused, never silently replaced by the next.

use std::time::Duration;

use super::client;
use crate::config::{Embedded, EngineConfig};

/// Where a machine's own engine listens; `/var/run` is `/run`.
const USUAL_SOCKET: &str = "unix:///var/run/docker.sock";

/// How long a socket that is there may take to answer before it counts as dead.
const PROBE_PATIENCE: Duration = Duration::from_secs(3);

/// Which engine to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// One that is there: `unix:///path`.
    Given(String),
    /// Ours: start an [`EmbeddedEngine`](super::EmbeddedEngine).
    Embedded,
}

/// Why there is none, and what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HostError {
    /// Another machine's engine, or a pipe.
    #[error(
        "{source_name} is {host}, but Carrel needs an engine on this machine, at unix:///PATH: sandboxes call back over a socket; \
         unset it, or set engine.host to a unix socket"
    )]
    NotUnix {
        /// `engine.host` or `DOCKER_HOST`.
        source_name: &'static str,
        /// Its value.
        host: String,
    },
    /// None found, and none of our own possible.
    #[error(
        "no Docker Engine is reachable ({tried}) and Carrel {why_not_ours}; start one (Debian: apt-get install docker.io), give this \
         user access to its socket (group docker), point engine.host or DOCKER_HOST at it, or run Carrel as root"
    )]
    NoneFound {
        /// What each place said.
        tried: String,
        /// Why we do not run our own.
        why_not_ours: &'static str,
    },
}

impl Host {
    /// Decides. `docker_host` is the environment's `DOCKER_HOST`; `root` is whether we could run our own.
    ///
    /// # Errors
    /// With the remedy in the message.
    pub async fn resolve(config: &EngineConfig, docker_host: Option<&str>, root: bool) -> Result<Self, HostError> {
        let docker_host = docker_host.filter(|host| !host.is_empty() && config.embedded != Embedded::Always);
        for (source_name, named) in [("engine.host", config.host.as_deref()), ("DOCKER_HOST", docker_host)] {
            if let Some(host) = named {
                return match socket_path(host) {
                    Some(_) => Ok(Self::Given(host.to_owned())),
                    None => Err(HostError::NotUnix { source_name, host: host.to_owned() }),
                };
            }
        }
        let tried = match config.embedded {
            Embedded::Always => "engine.embedded is always".to_owned(),
            Embedded::Auto | Embedded::Never => match client::answers(USUAL_SOCKET, PROBE_PATIENCE).await {
                Ok(()) => return Ok(Self::Given(USUAL_SOCKET.to_owned())),
                Err(error) => format!("{USUAL_SOCKET}: {error}"),
            },
        };
        match (config.embedded, root) {
            (Embedded::Never, _) => {
                Err(HostError::NoneFound { tried, why_not_ours: "may not run its own (engine.embedded is never)" })
            }
            (_, false) => Err(HostError::NoneFound { tried, why_not_ours: "can run its own only as root" }),
            (_, true) => Ok(Self::Embedded),
        }
    }
}

/// The path in `unix:///path`.
pub(super) fn socket_path(host: &str) -> Option<&str> {
    host.strip_prefix("unix://").filter(|path| path.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(host: Option<&str>, embedded: Embedded, docker_host: Option<&str>, root: bool) -> String {
        let config = EngineConfig { host: host.map(str::to_owned), embedded, ..EngineConfig::default() };
        match Host::resolve(&config, docker_host, root).await {
            Ok(Host::Given(host)) => host,
            Ok(Host::Embedded) => "embedded".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn what_is_named_comes_first_and_is_never_replaced() {
        use Embedded::{Always, Auto, Never};
        for (host, embedded, docker_host, root, expected) in [
            (Some("unix:///a"), Auto, Some("unix:///b"), true, "unix:///a"),
            (Some("unix:///a"), Always, None, true, "unix:///a"),
            (None, Auto, Some("unix:///b"), true, "unix:///b"),
            (None, Never, Some("unix:///b"), false, "unix:///b"),
            (None, Always, Some("unix:///b"), true, "embedded"),
            (None, Always, Some("tcp://x:1"), true, "embedded"),
        ] {
            assert_eq!(
                check(host, embedded, docker_host, root).await,
                expected,
                "{host:?} {embedded:?} {docker_host:?}"
            );
        }
    }

    #[tokio::test]
    async fn refusals_say_what_to_do() {
        let tcp = check(None, Embedded::Auto, Some("tcp://10.0.0.1:2375"), true).await;
        assert!(tcp.contains("DOCKER_HOST is tcp://10.0.0.1:2375") && tcp.contains("unset it"), "{tcp}");
        let not_root = check(None, Embedded::Always, None, false).await;
        assert!(not_root.contains("only as root") && not_root.contains("apt-get install docker.io"), "{not_root}");
    }

    #[test]
    fn only_absolute_unix_sockets_are_paths() {
        for (host, expected) in [
            ("unix:///run/docker.sock", Some("/run/docker.sock")),
            ("unix://relative", None),
            ("unix://", None),
            ("tcp://host:1", None),
            ("/run/docker.sock", None),
        ] {
            assert_eq!(socket_path(host), expected, "{host}");
        }
    }
}
