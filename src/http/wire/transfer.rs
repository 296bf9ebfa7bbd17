//! Shapes of what is on its way in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::staging;

/// A file that is to come in chunks.
#[derive(Deserialize, ToSchema)]
pub struct BeginUpload {
    /// Where it goes; missing folders are made.
    pub path: String,
    /// Bytes it will have.
    pub size: u64,
    /// Whether it may be run; left as it is when absent.
    pub executable: Option<bool>,
    /// Whether it may replace what is there; false when absent.
    #[serde(default)]
    pub replace: bool,
}

/// A file that comes in chunks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Upload {
    /// Its id.
    pub id: Uuid,
    /// Where it goes.
    pub path: String,
    /// Bytes it will have.
    pub size: u64,
    /// Bytes that are there: where the next chunk begins.
    pub offset: u64,
    /// Bytes a chunk may have.
    pub chunk_bytes: u64,
}

impl Upload {
    /// Of a server that takes chunks of so many bytes.
    #[must_use]
    pub fn new(upload: staging::Upload, chunk_bytes: usize) -> Self {
        let staging::Upload { id, new, offset } = upload;
        Self { id, path: new.path.into(), size: new.size, offset, chunk_bytes: chunk_bytes as u64 }
    }
}

/// How far an upload is.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadOffset {
    /// Where the next chunk begins.
    pub offset: u64,
}
