//! Many contents into a sandbox: small ones share a request.

use bytes::Bytes;
use carrel_protocol::{Expect, MAX_BUNDLE_FILES, MAX_CHUNK_BYTES, Reply, Request, SmallFile, WriteOptions};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::SemaphorePermit;

use super::{Work, transfer};
use crate::actors::api::SessionError;
use crate::db::blobs;
use crate::link::{AgentLink, LinkError};
use crate::model::runs::Run;
use crate::model::{Item, ItemKind, WorkspacePath};

/// Requests in flight; the link lets as many through.
pub(super) const WRITES: usize = 64;

/// A content and where it belongs.
pub(super) struct Placing {
    pub(super) path: WorkspacePath,
    pub(super) content: Bytes,
    pub(super) options: WriteOptions,
}

/// Contents read from the database at once.
pub(super) const BATCH: Run = Run { items: 256, weight: 8 * 1024 * 1024 };

/// Room for some files, for as long as it lives.
pub(super) type Room = Option<SemaphorePermit<'static>>;

/// Reads the contents of files that are to be written over what is expected, durably or not. Who asks bounds how many, by [`BATCH`].
///
/// # Errors
/// When the database cannot be asked, or has lost one.
pub(super) async fn read(
    work: &Work,
    files: Vec<(Item, Expect)>,
    durable: bool,
) -> Result<(Room, Vec<Placing>), SessionError> {
    let room = transfer::reserve(files.iter().map(|(item, _)| item.kind.size()).sum()).await;
    let (items, expected): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let contents = blobs::of_items(&work.db.bulk().await?, items).await?;
    let placing = contents.into_iter().zip(expected).filter_map(|((item, content), expect)| {
        let ItemKind::File { executable, .. } = item.kind else { return None };
        Some(Placing { path: item.path, content: content?, options: WriteOptions { executable, durable, expect } })
    });
    Ok((room, placing.collect()))
}

/// A file that could not be put in place, and why.
pub(super) type Unplaced = (WorkspacePath, LinkError);

/// Puts contents in place, in no particular order. Answers for which of them an unexpected former content was kept, and where.
///
/// # Errors
/// The first that could not be put in place; others may be, or not.
pub(super) async fn write(
    link: &AgentLink,
    files: Vec<Placing>,
) -> Result<Vec<(WorkspacePath, WorkspacePath)>, Unplaced> {
    let bundles = stream::iter(bundles(files)).map(|bundle| write_bundle(link, bundle));
    let copies: Vec<Vec<_>> = bundles.buffer_unordered(WRITES).try_collect().await?;
    Ok(copies.into_iter().flatten().collect())
}

async fn write_bundle(
    link: &AgentLink,
    mut bundle: Vec<Placing>,
) -> Result<Vec<(WorkspacePath, WorkspacePath)>, Unplaced> {
    if bundle.len() == 1
        && let Some(Placing { path, content, options }) = bundle.pop()
    {
        return match transfer::write(link, &path, content, options).await {
            Ok(copy) => Ok(copy.map(|copy| (path, copy)).into_iter().collect()),
            Err(error) => Err((path, error)),
        };
    }
    let Some(first) = bundle.first().map(|file| file.path.clone()) else { return Ok(Vec::new()) };
    let paths: Vec<_> = bundle.iter().map(|file| file.path.clone()).collect();
    let files =
        bundle.into_iter().map(|Placing { path, content, options }| SmallFile { path, options, bytes: content });
    let outcomes = match link.request(Request::WriteFiles { files: files.collect() }).await {
        Ok(Reply::WrittenFiles { outcomes }) if outcomes.len() == paths.len() => outcomes,
        Ok(_) => return Err((first, LinkError::Nonsense)),
        Err(error) => return Err((first, error)),
    };
    let mut copies = Vec::new();
    for (path, outcome) in paths.into_iter().zip(outcomes) {
        match outcome {
            Ok(copy) => copies.extend(copy.map(|copy| (path, copy))),
            Err(error) => return Err((path, LinkError::from(error))),
        }
    }
    Ok(copies)
}

/// Cuts files into runs that one request may carry; one that none can carry is by itself.
fn bundles(files: Vec<Placing>) -> Vec<Vec<Placing>> {
    Run { items: MAX_BUNDLE_FILES, weight: MAX_CHUNK_BYTES as u64 }.cut(files, |file| file.content.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_keep_every_file_once_in_order_within_bounds() {
        let sizes = [MAX_CHUNK_BYTES + 1, 0, 1, 3 * MAX_CHUNK_BYTES, MAX_CHUNK_BYTES, 0, MAX_CHUNK_BYTES - 1, 1, 1];
        let options = WriteOptions { executable: false, durable: false, expect: Expect::Anything };
        let files = sizes.into_iter().chain(std::iter::repeat_n(3, 200)).enumerate().map(|(number, size)| Placing {
            path: WorkspacePath::new(format!("{number:03}")).expect("path"),
            content: vec![7; size].into(),
            options,
        });
        let cut = bundles(files.collect());
        let bytes = |bundle: &[Placing]| bundle.iter().map(|file| file.content.len()).sum::<usize>();
        assert!(cut.iter().all(|bundle| bundle.len() == 1 || bytes(bundle) <= MAX_CHUNK_BYTES));
        assert!(cut.iter().all(|bundle| (1..=MAX_BUNDLE_FILES).contains(&bundle.len())));
        let names: Vec<_> = cut.iter().flatten().map(|file| file.path.as_str().to_owned()).collect();
        assert_eq!(names, (0..209).map(|number| format!("{number:03}")).collect::<Vec<_>>());
        assert_eq!(cut.len(), 4 + 1 + 4, "the rest goes along with the small ones at the end");
    }
}
