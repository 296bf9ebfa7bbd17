//! Docker Engine: sandboxes as containers, their image, and an engine of our own where there is none.
//!
//! Reading order: [`spec`] (what a sandbox is), [`client`] (one engine and how it is called), [`sandboxes`] (create, start,
//! find, remove), [`likeness`], [`events`], [`image`], then [`host`] (which engine) and [`embedded`] (our own `dockerd`).
//!
//! **Architecture invariant**: the only module that names `bollard`. It knows neither actors nor sessions nor the database: it
//! is told about sandboxes by their id and forgets them when a call returns; what exists is asked of the engine, by label.
//! Nothing here can express a privileged container, another user, a capability, a network or a host directory besides the
//! sandbox's own link directory and its own volume.

pub mod client;
pub mod embedded;
mod error;
pub mod events;
mod figures;
pub mod host;
pub mod image;
pub mod kernel_log;
pub mod likeness;
mod mounts;
pub mod sandboxes;
pub mod spec;

pub use client::Engine;
pub use embedded::{EmbeddedEngine, EmbeddedError};
pub use error::EngineError;
pub use events::{EngineEvent, EventKind};
pub use figures::{Call, CallFigures};
pub use host::{Host, HostError};
pub use image::{ImageError, ImageProgress, ImageSource};
pub use kernel_log::Victim;
pub use likeness::Likeness;
pub use sandboxes::{Container, ContainerState, FoundSandbox};
pub use spec::{ContainerId, ImageTag, SandboxSpec};
