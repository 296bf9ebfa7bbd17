//! What can go wrong between us and the engine.

use bollard::errors::Error as Bollard;

use super::figures::Call;

/// Why a call to the engine did not do what it was to do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// No connection, or it broke in mid-answer. The call may have had its effect.
    #[error("the container engine cannot be reached: {why}")]
    Unreachable {
        /// What the operating system or the connection said.
        why: String,
    },
    /// No answer in time. The call may still have its effect.
    #[error("the container engine did not answer `{call}` in time")]
    Timeout {
        /// Which call.
        call: Call,
    },
    /// There is no such container.
    #[error("the container engine knows no such container")]
    NotFound,
    /// The container, or its name, is not in a state that allows this.
    #[error("the container engine sees a conflict: {message}")]
    Conflict {
        /// The engine's words.
        message: String,
    },
    /// A container's image is not there.
    #[error("the image is not in the container engine: {message}")]
    ImageMissing {
        /// The engine's words, or the image's name.
        message: String,
    },
    /// Any other error the engine answered, with its HTTP status.
    #[error("the container engine refused with status {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// An answer that is none of the API's.
    #[error("the container engine's answer is not understood: {why}")]
    Garbled {
        /// What was wrong with it.
        why: String,
    },
}

impl EngineError {
    /// Whether the engine itself is away or stuck, so that trying again later makes sense.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. })
    }

    pub(super) fn from_bollard(call: Call, error: Bollard) -> Self {
        match error {
            Bollard::DockerResponseServerError { status_code: 404, message } => match call {
                Call::Create | Call::InspectImage => Self::ImageMissing { message },
                _ => Self::NotFound,
            },
            Bollard::DockerResponseServerError { status_code: 409, message } => Self::Conflict { message },
            Bollard::DockerResponseServerError { status_code, message } => {
                Self::Refused { status: status_code, message }
            }
            // An error in the middle of a stream that began well has no status of its own.
            Bollard::DockerStreamError { error } => Self::Refused { status: 200, message: error },
            Bollard::RequestTimeoutError => Self::Timeout { call },
            Bollard::SocketNotFoundError(path) => Self::Unreachable { why: format!("there is no socket {path}") },
            Bollard::IOError { err } => Self::Unreachable { why: err.to_string() },
            Bollard::HyperResponseError { err } => Self::Unreachable { why: with_causes(&err) },
            Bollard::HyperLegacyError { err } => Self::Unreachable { why: with_causes(&err) },
            other => Self::Garbled { why: other.to_string() },
        }
    }
}

/// hyper's own message says only "client error"; the reason is further down.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_engine_become_the_errors_callers_decide_by() {
        let answer = |status_code| Bollard::DockerResponseServerError { status_code, message: "m".into() };
        for (call, error, expected) in [
            (Call::Create, answer(404), "ImageMissing"),
            (Call::Start, answer(404), "NotFound"),
            (Call::Inspect, answer(404), "NotFound"),
            (Call::Create, answer(409), "Conflict"),
            (Call::Start, answer(500), "Refused"),
            (Call::Import, Bollard::DockerStreamError { error: "bad tar".into() }, "Refused"),
            (Call::Ping, Bollard::RequestTimeoutError, "Timeout"),
            (Call::Ping, Bollard::SocketNotFoundError("/x".into()), "Unreachable"),
            (Call::Version, Bollard::APIVersionParseError {}, "Garbled"),
        ] {
            let got = format!("{:?}", EngineError::from_bollard(call, error));
            assert!(got.starts_with(expected), "{call}: {got}, not {expected}");
        }
    }
}
