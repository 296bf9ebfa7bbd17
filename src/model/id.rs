//! Names of things: UUIDs that cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one; ids made later sort later.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "every call gives another value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A user.
    UserId
);
id!(
    /// A browser's login.
    LoginId
);
id!(
    /// A session: one workspace of one user.
    SessionId
);
id!(
    /// A server: one data directory, whichever process runs on it.
    ServerId
);
id!(
    /// A sandbox: one container, claimed by at most one session in its life.
    SandboxId
);
id!(
    /// A snapshot: what a workspace held when it was frozen.
    SnapshotId
);
id!(
    /// A template: files sessions can begin with.
    TemplateId
);
id!(
    /// A review: one request, with all its rounds.
    ReviewId
);
id!(
    /// A thread of comments in a review.
    ThreadId
);
id!(
    /// A comment in a review.
    CommentId
);
id!(
    /// A terminal: one PTY in a sandbox.
    TerminalId
);
