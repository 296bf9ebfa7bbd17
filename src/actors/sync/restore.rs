//! From the database into a sandbox: all of a workspace.

use std::sync::Arc;

use carrel_protocol::{AgentError, Expect, Request, WriteOptions};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::SemaphorePermit;

use super::bundle::{self, Placing};
use super::{Connect, Work, transfer};
use crate::actors::api::SessionError;
use crate::db::{blobs, items};
use crate::link::{AgentLink, LinkError};
use crate::model::{Item, ItemKind, WorkspacePath};

/// Writes in flight; the link lets as many through.
const WRITES: usize = 64;

/// Contents read from the database at once: at most so many, and so many bytes (more only for one file that is larger by itself).
const BATCH_FILES: usize = 256;
const BATCH_BYTES: u64 = 8 * 1024 * 1024;

/// Told how many of how many items are in place.
pub type RestoreProgress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Puts everything that is kept into an empty sandbox.
///
/// # Errors
/// When something could not be put in place: the session must not be called ready, or the next listing would take what is not there for
/// removed. What stays out for a reason of its own is named, so that its owner can delete it while the session is cold.
pub(super) async fn all(work: &Work, connect: &Connect) -> Result<(), SessionError> {
    let link = &connect.link;
    let connection = work.db.bulk().await?;
    let items = items::all(&connection, work.session).await?;
    drop(connection);
    let total = items.len() as u64;
    let (files, others): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| matches!(item.kind, ItemKind::File { .. }));
    let (folders, links): (Vec<_>, Vec<_>) = others.into_iter().partition(|item| item.kind == ItemKind::Folder);
    let mut done = 0;
    let mut step = |count: usize| {
        done += count as u64;
        (connect.progress)(done, total);
    };
    step(0);
    // Parents come before what they hold, and one at a time is only as slow as the link: folders are few.
    let count = folders.len();
    let requests = folders.into_iter().map(|item| (item.path.clone(), Request::MakeFolder { path: item.path }));
    commands(link, requests).await?;
    step(count);
    // While one batch is put in place the next is read. Who has room for one never waits for more: it is put in place meanwhile.
    let mut placing = None;
    for batch in batches(files, |item| item.kind.size()) {
        let count = batch.len();
        let read = match placing.take() {
            Some((room, files, count)) => {
                let (placed, read) = tokio::join!(place(link, room, files), read_batch(work, batch));
                placed?;
                step(count);
                read?
            }
            None => read_batch(work, batch).await?,
        };
        placing = Some((read.0, read.1, count));
    }
    if let Some((room, files, count)) = placing {
        place(link, room, files).await?;
        step(count);
    }
    // Links last, so that no file is ever written through one.
    let count = links.len();
    let requests = links.into_iter().filter_map(|item| match item.kind {
        ItemKind::Symlink { target } => Some((item.path.clone(), Request::MakeSymlink { path: item.path, target })),
        _ => None,
    });
    commands(link, requests).await?;
    step(count);
    link.command(Request::FinishRestore).await?;
    Ok(())
}

async fn commands(
    link: &AgentLink,
    requests: impl Iterator<Item = (WorkspacePath, Request)>,
) -> Result<(), SessionError> {
    stream::iter(requests)
        .map(Ok::<_, SessionError>)
        .try_for_each_concurrent(WRITES, |(path, request)| async move {
            link.command(request).await.map_err(|error| unplaced(&path, error))
        })
        .await
}

/// Room for some files, for as long as it lives.
type Room = Option<SemaphorePermit<'static>>;

async fn read_batch(work: &Work, files: Vec<Item>) -> Result<(Room, Vec<Placing>), SessionError> {
    let room = transfer::reserve(files.iter().map(|item| item.kind.size()).sum()).await;
    let hashes: Vec<_> = files.iter().filter_map(|item| item.kind.hash()).collect();
    let connection = work.db.bulk().await?;
    let contents = blobs::get_many(&connection, &hashes).await?;
    drop(connection);
    let placing = files.into_iter().filter_map(|item| {
        let ItemKind::File { hash, executable, .. } = item.kind else { return None };
        let options = WriteOptions { executable, durable: false, expect: Expect::Anything };
        let content = contents.get(&hash).cloned().ok_or_else(|| {
            tracing::error!(session.id = %work.session, blob.hash = %hash, "a content is missing from the database");
            SessionError::Internal
        });
        Some(content.map(|content| Placing { path: item.path, content, options }))
    });
    Ok((room, placing.collect::<Result<_, _>>()?))
}

/// Puts files in place, and gives their room back.
async fn place(link: &AgentLink, room: Room, files: Vec<Placing>) -> Result<(), SessionError> {
    bundle::write(link, files).await.map_err(|(path, error)| unplaced(&path, error))?;
    drop(room);
    Ok(())
}

/// Why an item stays out of the sandbox. Trying again helps only where the link is the reason.
fn unplaced(path: &WorkspacePath, error: LinkError) -> SessionError {
    let remedy = match &error {
        LinkError::Agent(AgentError::NoSpace | AgentError::TooMany) => "delete something, or ask for more room",
        LinkError::Agent(_) => "delete or rename it",
        _ => return error.into(),
    };
    SessionError::StartFailed(format!(
        "{path} cannot be put into the sandbox ({error}); {remedy}, which you can do while the session is stopped, and start it again"
    ))
}

/// Cuts the files into runs that fit into memory.
pub(super) fn batches<T>(files: Vec<T>, size: impl Fn(&T) -> u64) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for item in files {
        let size = size(&item);
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

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::model::ContentHash;

    #[test]
    fn batches_keep_every_file_once_in_order_within_bounds() {
        let sizes = [1, BATCH_BYTES * 2, 5, BATCH_BYTES, 1].into_iter().chain(std::iter::repeat_n(3, 600));
        let files: Vec<_> = sizes
            .enumerate()
            .map(|(number, size)| Item {
                path: WorkspacePath::new(format!("{number:04}")).expect("path"),
                kind: ItemKind::File { hash: ContentHash::of(b""), size, executable: false },
                modified_at: OffsetDateTime::UNIX_EPOCH,
            })
            .collect();
        let cut = batches(files.clone(), |item| item.kind.size());
        assert!(cut.iter().all(|batch| batch.len() <= BATCH_FILES));
        assert!(
            cut.iter()
                .all(|batch| batch.len() == 1 || batch.iter().map(|item| item.kind.size()).sum::<u64>() <= BATCH_BYTES)
        );
        assert_eq!(cut.concat(), files);
    }
}
