//! Contents of many files out of the database, a few at a time.

use std::collections::HashMap;

use bytes::Bytes;

use crate::db::{Db, DbError, blobs};
use crate::model::{ContentHash, Item};

/// Contents read at once: at most so many, and so many bytes (more only for one file that is larger by itself).
const BATCH_FILES: usize = 256;
pub(super) const BATCH_BYTES: u64 = 4 * 1024 * 1024;

/// Cuts items into runs whose contents fit into memory.
pub(super) fn batches(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut batches: Vec<Vec<Item>> = Vec::new();
    let mut room = 0;
    for item in items {
        let size = item.kind.size();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_FILES && size <= room => {
                room -= size;
                batch.push(item);
            }
            _ => {
                room = BATCH_BYTES.saturating_sub(size);
                batches.push(vec![item]);
            }
        }
    }
    batches
}

/// The contents of a batch's files, each item with its own; `None` for what is no file.
///
/// # Errors
/// When the database cannot be asked, or has lost one.
pub(super) async fn read(db: &Db, batch: Vec<Item>) -> Result<Vec<(Item, Option<Bytes>)>, DbError> {
    let hashes: Vec<ContentHash> = batch.iter().filter_map(|item| item.kind.hash()).collect();
    let contents = if hashes.is_empty() { HashMap::new() } else { blobs::get_many(&db.bulk().await?, &hashes).await? };
    let with_content = |item: Item| {
        let content = item.kind.hash().map(|hash| contents.get(&hash).cloned().ok_or(hash)).transpose();
        let content = content.map_err(|hash| DbError::Corrupt(format!("blob {hash} is missing")))?;
        Ok((item, content))
    };
    batch.into_iter().map(with_content).collect()
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::model::{ItemKind, WorkspacePath};

    #[test]
    fn batches_keep_every_file_once_in_order_within_bounds() {
        let sizes = [1, BATCH_BYTES * 2, 5, BATCH_BYTES, 1].into_iter().chain(std::iter::repeat_n(3, 600));
        let file = |(number, size)| Item {
            path: WorkspacePath::new(format!("{number:04}")).expect("path"),
            kind: ItemKind::File { hash: ContentHash::of(b""), size, executable: false },
            modified_at: OffsetDateTime::UNIX_EPOCH,
        };
        let files: Vec<_> = sizes.enumerate().map(file).collect();
        let cut = batches(files.clone());
        let bytes = |batch: &[Item]| batch.iter().map(|item| item.kind.size()).sum::<u64>();
        assert!(cut.iter().all(|batch| batch.len() <= BATCH_FILES));
        assert!(cut.iter().all(|batch| batch.len() == 1 || bytes(batch) <= BATCH_BYTES));
        assert_eq!(cut.concat(), files);
    }
}
