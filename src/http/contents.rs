//! Contents of many files out of the database, a few at a time.

use bytes::Bytes;

use crate::db::{Db, DbError, blobs};
use crate::model::Item;
use crate::model::runs::Run;

/// Bytes of contents that are worked on at once; more only for one file that is larger by itself.
pub(super) const BATCH_BYTES: u64 = 4 * 1024 * 1024;

/// What is worked on at once.
pub(super) const BATCH: Run = Run { items: 256, weight: BATCH_BYTES };

/// Cuts items into runs whose contents fit into memory.
pub(super) fn batches(items: Vec<Item>) -> Vec<Vec<Item>> {
    BATCH.cut(items, |item| item.kind.size())
}

/// The contents of a batch's files, each item with its own; `None` for what is no file.
///
/// # Errors
/// When the database cannot be asked, or has lost one.
pub(super) async fn read(db: &Db, batch: Vec<Item>) -> Result<Vec<(Item, Option<Bytes>)>, DbError> {
    blobs::of_items(&db.bulk().await?, batch).await
}
