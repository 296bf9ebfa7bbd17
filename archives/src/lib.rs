//! Archives of files: written for downloads, read from uploads.
//!
//! **Architecture invariant**: a crate of its own, so that a fuzzer builds it alone; no async, no database, no server. Every byte that is read
//! is hostile: sizes, counts, ratios, nesting and names are bounded by [`Bounds`], and an archive that breaks one is refused as a whole.

pub mod packer;

pub mod listing;
pub mod refused;
pub mod zip;

pub mod bundle;
mod delta;
mod header;
mod pack;

pub use bundle::Bundle;
pub use listing::{Entry, EntryKind, Listing, MAX_SKIPPED, Skipped, Why};
pub use packer::Packer;
pub use refused::BadArchive;
pub use zip::Zip;

/// What an archive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Files, folders (also those only named by what lies in them) and links together.
    pub max_items: u64,
    /// Bytes of all files together.
    pub max_bytes: u64,
    /// Bytes of one file; a larger one is skipped unread.
    pub max_file_bytes: u64,
}

/// An archive whose listing was found sound, and whose contents can be read.
pub trait Archive: Send {
    /// What is in it.
    fn listing(&self) -> &Listing;

    /// Reads every content once and keeps none.
    ///
    /// # Errors
    /// When one is not what the listing says.
    fn prove(&mut self) -> Result<(), BadArchive>;

    /// The content of the listing's entry at `index`; empty for what is no file.
    ///
    /// # Errors
    /// When it is not what the listing says.
    fn content(&mut self, index: usize) -> Result<Vec<u8>, BadArchive>;
}
