//! Contents between the server and a sandbox.

use bytes::{Bytes, BytesMut};
use carrel_protocol::{AgentError, MAX_CHUNK_BYTES, Reply, Request, WorkspacePath, WriteOptions};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::link::{AgentLink, LinkError};

/// Contents held in memory by all sessions together, in MiB; more wait.
static BUDGET_MB: Semaphore = Semaphore::const_new(BUDGET);
const BUDGET: usize = 256;

/// How often a file that keeps changing is read again before it is left for the next notice.
const READ_ATTEMPTS: usize = 3;

/// Room for a content of `bytes`, for as long as the permit lives.
pub(super) async fn reserve(bytes: u64) -> Option<SemaphorePermit<'static>> {
    let megabytes = usize::try_from(bytes >> 20).unwrap_or(BUDGET) + 1;
    BUDGET_MB.acquire_many(u32::try_from(megabytes.min(BUDGET)).unwrap_or(u32::MAX)).await.ok()
}

/// Reads one unbroken content of a file of at most `limit` bytes.
///
/// # Errors
/// `Agent(Torn)` when it changed under every attempt, `Agent(TooMany)` when it is larger.
pub(super) async fn read(link: &AgentLink, path: &WorkspacePath, limit: u64) -> Result<(Bytes, bool), LinkError> {
    for _ in 0..READ_ATTEMPTS {
        if let Some(content) = read_once(link, path, limit).await? {
            return Ok(content);
        }
    }
    Err(AgentError::Torn.into())
}

async fn read_once(link: &AgentLink, path: &WorkspacePath, limit: u64) -> Result<Option<(Bytes, bool)>, LinkError> {
    let mut content = BytesMut::new();
    let mut first = None;
    loop {
        let request = Request::ReadFile { path: path.clone(), offset: content.len() as u64 };
        let Reply::Chunk { bytes, stamp } = link.request(request).await? else { return Err(LinkError::Nonsense) };
        if stamp.size > limit {
            return Err(AgentError::TooMany.into());
        }
        if *first.get_or_insert(stamp) != stamp {
            return Ok(None);
        }
        let length = content.len() as u64 + bytes.len() as u64;
        if length > stamp.size || bytes.len() > MAX_CHUNK_BYTES {
            return Err(LinkError::Nonsense);
        }
        if first.is_some() && content.is_empty() && length == stamp.size {
            return Ok(Some((bytes, stamp.executable)));
        }
        content.extend_from_slice(&bytes);
        if length == stamp.size {
            return Ok(Some((content.freeze(), stamp.executable)));
        }
        if bytes.is_empty() {
            return Ok(None);
        }
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

async fn upload(link: &AgentLink, mut content: Bytes) -> Result<u32, LinkError> {
    let Reply::Upload { upload } = link.request(Request::BeginUpload { size: content.len() as u64 }).await? else {
        return Err(LinkError::Nonsense);
    };
    let mut offset = 0;
    while !content.is_empty() {
        let bytes = content.split_to(content.len().min(MAX_CHUNK_BYTES));
        let length = bytes.len() as u64;
        if let Err(error) = link.command(Request::UploadChunk { upload, offset, bytes }).await {
            // The handle is one of a few; when even this fails the link is gone and the handle with it.
            link.command(Request::AbortUpload { upload }).await.ok();
            return Err(error);
        }
        offset += length;
    }
    Ok(upload)
}
