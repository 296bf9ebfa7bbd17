//! Contents between the server and a sandbox.

use std::future::Future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use carrel_protocol::{AgentError, FileStamp, MAX_CHUNK_BYTES, Reply, Request, WorkspacePath, WriteOptions};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::link::{AgentLink, LinkError};

/// Contents held in memory by all sessions together, in MiB; more wait. Who waits for one holds none, or one that is given
/// back meanwhile. Those of more than
/// [`SMALL_MB`] have a line of their own, and one that is larger than all of it, saved under a higher limit, takes all of it and goes alone:
/// sandboxes that are slow with their large files, of whom few fill it, do not hold up the rest.
static SMALL_BUDGET: Semaphore = Semaphore::const_new(96);
static LARGE_BUDGET: Semaphore = Semaphore::const_new(LARGE_BUDGET_MB);
const LARGE_BUDGET_MB: usize = 160;

/// What a run of files that are moved together takes, unless a single one is larger.
const SMALL_MB: usize = 9;

/// How long a file may take on its way, and how much longer for each MiB: tens of times what a sandbox with a tenth of a CPU needs.
const PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE_PER_MB: Duration = Duration::from_secs(1);

/// How often a file that keeps changing is read again before it is left for the next notice.
const READ_ATTEMPTS: usize = 3;

/// Room for contents of `bytes` together, for as long as the permit lives.
pub(super) async fn reserve(bytes: u64) -> Option<SemaphorePermit<'static>> {
    let megabytes = usize::try_from(bytes >> 20).unwrap_or(LARGE_BUDGET_MB) + 1;
    let budget = if megabytes > SMALL_MB { &LARGE_BUDGET } else { &SMALL_BUDGET };
    budget.acquire_many(u32::try_from(megabytes.min(LARGE_BUDGET_MB)).unwrap_or(u32::MAX)).await.ok()
}

/// The same if there is room now: for what is better done with it but can be done without. Never waits, so who holds some may ask.
pub(super) fn room_now(bytes: u64) -> Option<SemaphorePermit<'static>> {
    let megabytes = u32::try_from((bytes >> 20) + 1).ok()?;
    let budget = if megabytes as usize > SMALL_MB { &LARGE_BUDGET } else { &SMALL_BUDGET };
    budget.try_acquire_many(megabytes).ok()
}

/// The room others wait for is not held for as long as a sandbox likes.
async fn in_time<T>(bytes: u64, work: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
    tokio::time::timeout(patience(bytes), work).await.unwrap_or(Err(LinkError::Timeout))
}

fn patience(bytes: u64) -> Duration {
    PATIENCE + PATIENCE_PER_MB * u32::try_from(bytes >> 20).unwrap_or(u32::MAX)
}

/// Reads one unbroken content of a file of at most `limit` bytes.
///
/// # Errors
/// `Agent(Torn)` when it changed under every attempt, `Agent(TooMany)` when it is larger, `Timeout` when it takes too long.
pub(super) async fn read(link: &AgentLink, path: &WorkspacePath, limit: u64) -> Result<(Bytes, bool), LinkError> {
    let reading = async {
        for _ in 0..READ_ATTEMPTS {
            if let Some(content) = read_once(link, path, limit).await? {
                return Ok(content);
            }
        }
        Err(AgentError::Torn.into())
    };
    in_time(limit, reading).await
}

async fn read_once(link: &AgentLink, path: &WorkspacePath, limit: u64) -> Result<Option<(Bytes, bool)>, LinkError> {
    let mut pieces = Pieces { content: BytesMut::new(), first: None, limit };
    loop {
        let request = Request::ReadFile { path: path.clone(), offset: pieces.content.len() as u64 };
        let Reply::Chunk { bytes, stamp } = link.request(request).await? else { return Err(LinkError::Nonsense) };
        match pieces.add(bytes, stamp)? {
            Piece::More => {}
            Piece::Last(content) => return Ok(Some((content, stamp.executable))),
            Piece::Torn => return Ok(None),
        }
    }
}

/// A content that comes in chunks, as the agent gives them.
struct Pieces {
    content: BytesMut,
    first: Option<FileStamp>,
    limit: u64,
}

/// What a chunk is to its content.
#[derive(Debug, PartialEq)]
enum Piece {
    More,
    Last(Bytes),
    /// It belongs to another content than those before.
    Torn,
}

impl Pieces {
    fn add(&mut self, bytes: Bytes, stamp: FileStamp) -> Result<Piece, LinkError> {
        if stamp.size > self.limit {
            return Err(AgentError::TooMany.into());
        }
        if *self.first.get_or_insert(stamp) != stamp {
            return Ok(Piece::Torn);
        }
        let left = stamp.size - self.content.len() as u64;
        let full = left.min(MAX_CHUNK_BYTES as u64);
        match (bytes.len() as u64).cmp(&full) {
            std::cmp::Ordering::Greater => return Err(LinkError::Nonsense),
            // A chunk is full unless the file ends: it was cut off and made whole again in that moment, or its agent wins time.
            std::cmp::Ordering::Less => return Ok(Piece::Torn),
            std::cmp::Ordering::Equal => {}
        }
        if self.content.is_empty() && full == left {
            return Ok(Piece::Last(bytes));
        }
        self.content.extend_from_slice(&bytes);
        Ok(if full == left { Piece::Last(self.content.split().freeze()) } else { Piece::More })
    }
}

/// Puts a content in place. Answers where an unexpected former content was kept, if there was one.
///
/// # Errors
/// Of the link; the file is then as it was, unless the answer was lost on the way.
pub(super) async fn write(
    link: &AgentLink,
    path: &WorkspacePath,
    content: Bytes,
    options: WriteOptions,
) -> Result<Option<WorkspacePath>, LinkError> {
    let path = path.clone();
    let reply = if content.len() <= MAX_CHUNK_BYTES {
        link.request(Request::WriteFile { path, options, bytes: content }).await?
    } else {
        // Until it is in place: only then the agent has forgotten it.
        let _turn = link.upload_turn().await?;
        let upload = upload(link, content).await?;
        link.request(Request::CommitUpload { upload, path, options }).await?
    };
    match reply {
        Reply::Written { conflict_copy } => Ok(conflict_copy),
        _ => Err(LinkError::Nonsense),
    }
}

async fn upload(link: &AgentLink, content: Bytes) -> Result<u32, LinkError> {
    let size = content.len() as u64;
    let Reply::Upload { upload } = link.request(Request::BeginUpload { size }).await? else {
        return Err(LinkError::Nonsense);
    };
    if let Err(error) = in_time(size, send(link, upload, content)).await {
        // The handle is one of a few; when even this fails the link is gone and the handle with it.
        link.command(Request::AbortUpload { upload }).await.ok();
        return Err(error);
    }
    Ok(upload)
}

async fn send(link: &AgentLink, upload: u32, mut content: Bytes) -> Result<(), LinkError> {
    let mut offset = 0;
    while !content.is_empty() {
        let bytes = content.split_to(content.len().min(MAX_CHUNK_BYTES));
        let length = bytes.len() as u64;
        link.command(Request::UploadChunk { upload, offset, bytes }).await?;
        offset += length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: u64 = MAX_CHUNK_BYTES as u64;

    fn stamp(size: u64) -> FileStamp {
        FileStamp { size, inode: 1, mtime_ns: 2, ctime_ns: 3, executable: false }
    }

    #[track_caller]
    fn check(size: u64, chunks: &[u64], expect: &Result<Piece, LinkError>) {
        let mut pieces = Pieces { content: BytesMut::new(), first: None, limit: 3 * CHUNK };
        let mut last = Ok(Piece::More);
        for length in chunks {
            assert_eq!(last, Ok(Piece::More));
            last = pieces.add(vec![7; usize::try_from(*length).expect("small")].into(), stamp(size));
        }
        assert_eq!(&last, expect);
    }

    #[test]
    fn a_content_is_whole_chunks_and_a_rest() {
        let whole = |size: u64| Ok(Piece::Last(vec![7; usize::try_from(size).expect("small")].into()));
        check(0, &[0], &whole(0));
        check(5, &[5], &whole(5));
        check(CHUNK, &[CHUNK], &whole(CHUNK));
        check(2 * CHUNK + 1, &[CHUNK, CHUNK, 1], &whole(2 * CHUNK + 1));
    }

    #[test]
    fn an_agent_wins_no_time_with_small_chunks_and_no_room_with_large_ones() {
        check(CHUNK + 1, &[1], &Ok(Piece::Torn));
        check(CHUNK + 5, &[CHUNK, 1], &Ok(Piece::Torn));
        check(5, &[0], &Ok(Piece::Torn));
        check(5, &[6], &Err(LinkError::Nonsense));
        check(2 * CHUNK, &[CHUNK + 1], &Err(LinkError::Nonsense));
        check(3 * CHUNK + 1, &[CHUNK], &Err(AgentError::TooMany.into()));
    }

    #[test]
    fn a_larger_file_may_take_longer_but_none_for_ever() {
        for (bytes, seconds) in [(0, 30), (1 << 20, 31), (64 << 20, 94)] {
            assert_eq!(patience(bytes), Duration::from_secs(seconds), "{bytes}");
        }
    }

    #[tokio::test]
    async fn large_contents_leave_room_for_small_ones() {
        let _all = reserve(u64::MAX).await;
        assert!(tokio::time::timeout(Duration::from_secs(5), reserve(8 << 20)).await.is_ok());
    }
}
