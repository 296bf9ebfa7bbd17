//! What can go wrong with the database, sorted by what a caller can do about it.

use std::time::Duration;

use tokio_postgres::error::SqlState;

/// The constraints that refer to contents.
const CONTENT_KEYS: [&str; 4] =
    ["workspace_items_blob_fkey", "workspace_versions_blob_fkey", "snapshot_items_blob_fkey", "blobs_base_fkey"];

/// Why a call to the database did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Not now: the same call may work later. HTTP answers 503 with `Retry-After`.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[from] Unavailable),
    /// A constraint of `schema.sql` refused it; its name says which.
    #[error("refused by the constraint {0}")]
    Conflict(String),
    /// Something stored is not what was stored.
    #[error("corrupt data: {0}")]
    Corrupt(String),
    /// This database cannot be used by this program, and what to do.
    #[error("{0}")]
    Unsuitable(String),
    /// A transaction was to be committed in which a statement had failed: the server would have answered with a rollback that looks
    /// like success.
    #[error("the transaction had failed before its commit")]
    Aborted,
    /// Another server serves the session in whose name this was to be written; nothing was.
    #[error("another server has taken the session over")]
    LeaseLost,
    /// A mistake of ours.
    #[error("the database refused a statement: {}", with_causes(.0))]
    Query(tokio_postgres::Error),
}

/// Why the database cannot be used just now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// All connections are taken and the waiting line is full; refused at once.
    #[error("too many requests are waiting for a connection")]
    LineFull,
    /// No connection came free, or none could be opened, in time; with the last failure to open one.
    #[error("no connection within {}{}", Millis(*waited), After(last))]
    NoConnection {
        /// How long the caller waited.
        waited: Duration,
        /// Why the last attempt to open a connection failed, when it did.
        last: Option<String>,
    },
    /// The statement took longer than it may.
    #[error("a statement took too long")]
    StatementTimeout,
    /// The connection broke or the server is going down; whether the statement was done is unknown.
    #[error("connection lost: {0}")]
    Lost(String),
    /// Others hold what is needed: a deadlock, a lock that was not given.
    #[error("contention: {0}")]
    Contention(String),
    /// The server's disk is full.
    #[error("the server's disk is full: {0}")]
    DiskFull(String),
    /// The server has no memory or connections left, or cannot read or write.
    #[error("the server lacks resources: {0}")]
    Resources(String),
    /// The server has become a read-only standby.
    #[error("the server is read-only")]
    ReadOnly,
    /// We are shutting down.
    #[error("the pool is closed")]
    Closed,
}

impl DbError {
    /// Whether the same call may work later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether a content that was to be referred to is not there: it was swept in the very moment it was stored again. The same once more
    /// finds it gone, and stores it.
    #[must_use]
    pub fn is_swept_content(&self) -> bool {
        CONTENT_KEYS.into_iter().any(|key| self.is_conflict(key))
    }

    /// Whether the constraint called `name` refused it.
    #[must_use]
    pub fn is_conflict(&self, name: &str) -> bool {
        matches!(self, Self::Conflict(constraint) if constraint == name)
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            // Without a code it did not come from the server: either its bytes could not be read as our types, or the wire broke.
            return if error.is_closed() || has_io_cause(&error) {
                Unavailable::Lost(with_causes(&error)).into()
            } else {
                Self::Query(error)
            };
        };
        let constraint = error.as_db_error().and_then(|e| e.constraint()).map(str::to_owned);
        match (unavailable(state, &error), constraint) {
            (Some(why), _) => why.into(),
            (None, Some(name)) if state.code().starts_with("23") => Self::Conflict(name),
            _ => Self::Query(error),
        }
    }
}

/// What `state` means for a caller, if it means "not now".
fn unavailable(state: &SqlState, error: &tokio_postgres::Error) -> Option<Unavailable> {
    let text = || with_causes(error);
    Some(match state.code() {
        "57014" => Unavailable::StatementTimeout,
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => Unavailable::Lost(text()),
        "40001" | "40P01" | "55P03" => Unavailable::Contention(text()),
        "25006" => Unavailable::ReadOnly,
        "53100" => Unavailable::DiskFull(text()),
        // 53: out of memory, connections; 58030: the server's own read or write failed.
        code if code.starts_with("53") || code == "58030" => Unavailable::Resources(text()),
        code if code.starts_with("08") => Unavailable::Lost(text()),
        _ => return None,
    })
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The error's text with those of its causes: tokio-postgres says only "db error" by itself.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

struct Millis(Duration);

impl std::fmt::Display for Millis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ms", self.0.as_millis())
    }
}

struct After<'a>(&'a Option<String>);

impl std::fmt::Display for After<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(why) => write!(f, " (last attempt to connect: {why})"),
            None => Ok(()),
        }
    }
}
