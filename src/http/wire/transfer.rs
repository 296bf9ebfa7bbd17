//! Shapes of what is on its way in.

use carrel_archives::{Skipped, Why};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Item;
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
    /// The file it has become; told for an hour.
    pub saved: Option<Item>,
}

impl Upload {
    /// Of a server that takes chunks of so many bytes.
    #[must_use]
    pub fn new(upload: staging::Upload, chunk_bytes: usize) -> Self {
        let staging::Upload { id, new, offset } = upload;
        Self { id, path: new.path.into(), size: new.size, offset, chunk_bytes: chunk_bytes as u64, saved: None }
    }
}

/// What the last chunk of an upload was answered, as it is kept.
#[derive(Serialize, Deserialize)]
pub struct UploadAnswer {
    /// The file.
    pub item: Item,
    /// Whether it was new.
    pub created: bool,
}

/// How far an upload is.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadOffset {
    /// Where the next chunk begins.
    pub offset: u64,
}

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveKind {
    /// A zip archive.
    Zip,
    /// A git bundle with all that its head needs.
    Git,
}

/// What has become of an archive.
#[derive(Debug, Serialize, ToSchema)]
pub struct Imported {
    /// Files, folders and links that are there now.
    pub items: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// What was left out; of what the archive itself has too much of, the first 1000.
    pub skipped: Vec<SkippedEntry>,
}

/// Something that was left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct SkippedEntry {
    /// Its name.
    pub path: String,
    /// Why.
    pub why: SkippedWhy,
}

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkippedWhy {
    /// There is something of that name, and it was not to be replaced.
    Exists,
    /// Its name is not UTF-8.
    Name,
    /// Its name is one of the server's own.
    Reserved,
    /// It lies in a folder that tools make again, such as `node_modules`.
    Ignored,
    /// It is what macOS puts beside files.
    Desktop,
    /// It is larger than a file may be.
    TooLarge,
    /// It is another repository.
    Submodule,
}

impl From<&Skipped> for SkippedEntry {
    fn from(skipped: &Skipped) -> Self {
        let why = match skipped.why {
            Why::Name => SkippedWhy::Name,
            Why::Reserved => SkippedWhy::Reserved,
            Why::Ignored => SkippedWhy::Ignored,
            Why::Desktop => SkippedWhy::Desktop,
            Why::TooLarge => SkippedWhy::TooLarge,
            Why::Submodule => SkippedWhy::Submodule,
        };
        Self { path: skipped.path.clone(), why }
    }
}
