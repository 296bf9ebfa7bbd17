//! Many things from the database into a sandbox: contents, of which small ones share a request, and what is asked for one by one.
//!
//! **Invariant**: nothing of it waits for a disk. It is in the database, or will be by the commit that follows; what of it is in the sandbox
//! survives the death of server, agent and container, and after a failure of the machine no sandbox is believed (`crate::volumes`).

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
const WRITES: usize = 64;

/// A content and where it belongs.
struct Placing {
    path: WorkspacePath,
    content: Bytes,
    options: WriteOptions,
}

/// Contents read from the database at once.
const BATCH: Run = Run { items: 256, weight: 8 * 1024 * 1024 };

/// Room for some files, for as long as it lives.
type Room = Option<SemaphorePermit<'static>>;

/// Files a program had just written, and where what it wrote is kept.
pub(super) type Copies = Vec<(WorkspacePath, WorkspacePath)>;

/// Puts files in place, each over what is expected there, in no particular order. `refused` makes an error of one that could not be put in
/// place; others may be, or not. `step` is told how many more are.
///
/// # Errors
/// The first that was refused; or of the database, or when that has lost a content.
pub(super) async fn place(
    work: &Work,
    link: &AgentLink,
    files: Vec<(Item, Expect)>,
    refused: impl Fn(&WorkspacePath, LinkError) -> SessionError,
    mut step: impl FnMut(usize),
) -> Result<Copies, SessionError> {
    let placing = async |room: Room, files: Vec<Placing>| {
        let written = write(link, files).await.map_err(|(path, error)| refused(&path, error));
        drop(room);
        written
    };
    let (mut copies, mut next) = (Vec::new(), None::<(Room, Vec<Placing>)>);
    // While one batch is put in place the next is read. Who has room for one never waits for more: it is put in place meanwhile.
    for batch in BATCH.cut(files, |(item, _)| item.kind.size()) {
        let read = match next.take() {
            Some((room, files)) => {
                let count = files.len();
                let (placed, read) = tokio::join!(placing(room, files), read(work, batch));
                copies.extend(placed?);
                step(count);
                read?
            }
            None => read(work, batch).await?,
        };
        next = Some(read);
    }
    if let Some((room, files)) = next {
        let count = files.len();
        copies.extend(placing(room, files).await?);
        step(count);
    }
    Ok(copies)
}

/// Does what is asked of single paths, none of which is needed by another that is asked for here. `refused` as for [`place`].
///
/// # Errors
/// The first that was refused; others may be done, or not.
pub(super) async fn command(
    link: &AgentLink,
    requests: impl Iterator<Item = (WorkspacePath, Request)>,
    refused: impl Fn(&WorkspacePath, LinkError) -> SessionError,
) -> Result<(), SessionError> {
    let refused = &refused;
    stream::iter(requests)
        .map(Ok::<_, SessionError>)
        .try_for_each_concurrent(WRITES, |(path, request)| async move {
            link.command(request).await.map_err(|error| refused(&path, error))
        })
        .await
}

/// Reads the contents of files that are to be written over what is expected.
async fn read(work: &Work, files: Vec<(Item, Expect)>) -> Result<(Room, Vec<Placing>), SessionError> {
    let room = transfer::reserve(files.iter().map(|(item, _)| item.kind.size()).sum()).await;
    let (items, expected): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let contents = blobs::of_items(&work.db.bulk().await?, items).await?;
    let placing = contents.into_iter().zip(expected).filter_map(|((item, content), expect)| {
        let ItemKind::File { executable, .. } = item.kind else { return None };
        let options = WriteOptions { executable, durable: false, expect };
        Some(Placing { path: item.path, content: content?, options })
    });
    Ok((room, placing.collect()))
}

/// A file that could not be put in place, and why.
type Unplaced = (WorkspacePath, LinkError);

/// Puts contents in place, in no particular order. Answers for which of them an unexpected former content was kept, and where.
///
/// # Errors
/// The first that could not be put in place; others may be, or not.
async fn write(link: &AgentLink, files: Vec<Placing>) -> Result<Copies, Unplaced> {
    let bundles = stream::iter(bundles(files)).map(|bundle| write_bundle(link, bundle));
    let copies: Vec<Vec<_>> = bundles.buffer_unordered(WRITES).try_collect().await?;
    Ok(copies.into_iter().flatten().collect())
}

async fn write_bundle(link: &AgentLink, mut bundle: Vec<Placing>) -> Result<Copies, Unplaced> {
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
