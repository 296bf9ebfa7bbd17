//! One engine, and how every call to it is made: with a deadline, counted, its errors in our words.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::error::EngineError;
use super::figures::{Call, CallFigures, Figures};
use super::host::socket_path;
use crate::config::EngineConfig;

/// How long [`Engine::connect`] keeps trying while nobody answers: an engine that is being restarted takes under a second,
/// and an operator who mistyped a path should not wait.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// Pause between two attempts.
const CONNECT_PAUSE: Duration = Duration::from_millis(50);

/// Seconds after which bollard itself gives up; ours come first, and importing an image may take minutes.
const LIBRARY_TIMEOUT_SECONDS: u64 = 1800;

/// A Docker Engine. Cheap to clone; holds no connection between calls, so an engine that was restarted is simply there again.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    docker: Docker,
    host: String,
    instance: Uuid,
    call_timeout: Duration,
    starts: Semaphore,
    figures: Figures,
}

impl Engine {
    /// Finds the engine at `host` (`unix:///path`) and agrees on an API version. `instance` names this Carrel: it is on
    /// every label and only what carries it is ever listed or touched.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] when nobody has answered for two seconds.
    pub async fn connect(config: &EngineConfig, host: &str, instance: Uuid) -> Result<Self, EngineError> {
        let figures = Figures::default();
        let call_timeout = Duration::from_millis(config.call_timeout_ms);
        let deadline = Instant::now() + CONNECT_PATIENCE;
        let docker = loop {
            let started = Instant::now();
            let attempt = within(call_timeout, Call::Version, negotiate(host)).await;
            figures.record(Call::Version, started.elapsed(), attempt.is_err());
            match attempt {
                Err(EngineError::Unreachable { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(CONNECT_PAUSE).await;
                }
                other => break other?,
            }
        };
        Ok(Self {
            inner: Arc::new(Inner {
                docker,
                host: host.to_owned(),
                instance,
                call_timeout,
                starts: Semaphore::new(config.concurrent_starts.max(1)),
                figures,
            }),
        })
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] or [`EngineError::Timeout`].
    pub async fn ping(&self) -> Result<(), EngineError> {
        self.call(Call::Ping, self.docker().ping()).await.map(drop)
    }

    /// Where it is.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.inner.host
    }

    /// Counters by kind of call.
    #[must_use]
    pub fn figures(&self) -> Vec<CallFigures> {
        self.inner.figures.read()
    }

    pub(super) fn docker(&self) -> &Docker {
        &self.inner.docker
    }

    pub(super) fn instance(&self) -> Uuid {
        self.inner.instance
    }

    /// Waits for one of the few permits to make or start a container: starts are CPU-bound, and more at a time make each slower.
    pub(super) async fn start_permit(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.inner.starts.acquire().await.ok()
    }

    pub(super) async fn call<T>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, EngineError> {
        let patience = match call {
            Call::Start => self.inner.call_timeout * 3,
            Call::Import => Duration::from_secs(LIBRARY_TIMEOUT_SECONDS),
            _ => self.inner.call_timeout,
        };
        let started = Instant::now();
        let result = within(patience, call, answer).await;
        // A missing container is an answer, not a failure of the engine.
        let failed = !matches!(result, Ok(_) | Err(EngineError::NotFound | EngineError::ImageMissing { .. }));
        self.inner.figures.record(call, started.elapsed(), failed);
        result
    }
}

/// A client that has agreed on an API version with the engine.
async fn negotiate(host: &str) -> Result<Docker, bollard::errors::Error> {
    let path =
        socket_path(host).ok_or_else(|| bollard::errors::Error::UnsupportedURISchemeError { uri: host.to_owned() })?;
    Docker::connect_with_unix(path, LIBRARY_TIMEOUT_SECONDS, API_DEFAULT_VERSION)?.negotiate_version().await
}

/// Whether an engine answers at `host` within `patience`.
pub(super) async fn answers(host: &str, patience: Duration) -> Result<(), EngineError> {
    within(patience, Call::Ping, negotiate(host)).await.map(drop)
}

async fn within<T>(
    patience: Duration,
    call: Call,
    answer: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(patience, answer).await {
        Ok(result) => result.map_err(|error| EngineError::from_bollard(call, error)),
        Err(_) => Err(EngineError::Timeout { call }),
    }
}
