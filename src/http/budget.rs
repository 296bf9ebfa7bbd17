//! Bounds the bytes of file bodies in memory, all requests together.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::{ApiError, Code};

/// What one permit stands for.
const UNIT_BYTES: usize = 16 * 1024;

/// How many files of the greatest size fit at the same time.
const GREATEST_FILES: u64 = 4;

/// How long a body may make no progress. Memory it holds is memory nobody else gets.
const STALL: Duration = Duration::from_secs(20);

/// What of a refused body is still read, so that the client gets to see the answer instead of a reset connection…
const LINGER_BYTES: usize = 8 * 1024 * 1024;
/// …and for how long.
const LINGER: Duration = Duration::from_secs(2);

/// Bytes sent down to the connection at a time.
const SLICE_BYTES: usize = 64 * 1024;

/// The bytes that may be in memory.
#[derive(Clone, Debug)]
pub struct TransferBudget {
    units: Arc<Semaphore>,
    max_file_bytes: usize,
}

/// A body and its share of the budget, given back when dropped.
#[derive(Debug)]
pub struct Upload {
    /// The whole body.
    pub content: Bytes,
    share: Share,
}

/// A part of the budget.
#[derive(Debug)]
pub struct Share {
    units: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl TransferBudget {
    /// A budget for files of at most `max_file_mb` MiB.
    #[must_use]
    pub fn for_files_of(max_file_mb: u64) -> Self {
        let max_file_bytes = usize::try_from(max_file_mb.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX);
        let units = usize::try_from(max_file_mb.saturating_mul(1024 * 1024 * GREATEST_FILES)).unwrap_or(usize::MAX);
        let units = (units / UNIT_BYTES).clamp(1, Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(units)), max_file_bytes }
    }

    /// An empty share.
    #[must_use]
    pub fn share(&self) -> Share {
        Share { units: Arc::clone(&self.units), held: None }
    }

    /// Reads a whole body, taking its share as it grows: what has only been announced holds nothing.
    ///
    /// # Errors
    /// [`Code::BodyTooLarge`], [`Code::Busy`], [`Code::RequestTimeout`], [`Code::InvalidBody`].
    pub async fn read(&self, mut body: Payload, announced: Option<usize>) -> Result<Upload, ApiError> {
        let result = self.read_within(&mut body, announced).await;
        if matches!(&result, Err(error) if matches!(error.code(), Code::BodyTooLarge | Code::Busy)) {
            // Not arriving in time is as good as having read it all.
            drop(timeout(LINGER, discard(&mut body)).await);
        }
        result
    }

    async fn read_within(&self, body: &mut Payload, announced: Option<usize>) -> Result<Upload, ApiError> {
        if announced.is_some_and(|bytes| bytes > self.max_file_bytes) {
            return Err(self.too_large());
        }
        let mut share = self.share();
        let mut content = BytesMut::new();
        loop {
            let chunk = timeout(STALL, body.next()).await.map_err(|_| ApiError::new(Code::RequestTimeout))?;
            let Some(chunk) = chunk else { break };
            let chunk = chunk.map_err(|error| ApiError::because(Code::InvalidBody, error))?;
            if content.len() + chunk.len() > self.max_file_bytes {
                return Err(self.too_large());
            }
            share.grow_to(content.len() + chunk.len())?;
            content.extend_from_slice(&chunk);
        }
        Ok(Upload { content: content.freeze(), share })
    }

    fn too_large(&self) -> ApiError {
        let limit = self.max_file_bytes / (1024 * 1024);
        ApiError::because(Code::BodyTooLarge, format_args!("A file has at most {limit} MiB."))
    }
}

async fn discard(body: &mut Payload) {
    let mut left = LINGER_BYTES;
    while let Some(Ok(chunk)) = body.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

impl Upload {
    /// The content, and the share to be held as long as it is in memory.
    #[must_use]
    pub fn into_parts(self) -> (Bytes, Share) {
        (self.content, self.share)
    }
}

impl Share {
    /// Makes the share large enough for `bytes`.
    ///
    /// # Errors
    /// [`Code::Busy`] when the budget is spent.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), ApiError> {
        let have = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(UNIT_BYTES).saturating_sub(have);
        let missing = u32::try_from(missing).map_err(|_| busy())?;
        if missing > 0 {
            let more = Arc::clone(&self.units).try_acquire_many_owned(missing).map_err(|_| busy())?;
            match &mut self.held {
                Some(held) => held.merge(more),
                None => self.held = Some(more),
            }
        }
        Ok(())
    }
}

fn busy() -> ApiError {
    ApiError::because(Code::Busy, "Too many files are being transferred at the moment.").retry_after(LINGER)
}

/// A response body that gives its share back once it is sent.
#[derive(Debug)]
pub struct Download {
    rest: Bytes,
    _share: Share,
}

impl Download {
    /// Sends `content` while holding `share`.
    #[must_use]
    pub fn new(content: Bytes, share: Share) -> Self {
        Self { rest: content, _share: share }
    }

    /// What is still to be sent.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.rest
    }
}

impl MessageBody for Download {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        let slice = this.rest.split_to(this.rest.len().min(SLICE_BYTES));
        Poll::Ready(Some(Ok(slice)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::FromRequest;
    use actix_web::test::TestRequest;

    use super::*;

    async fn payload(body: &'static [u8]) -> Payload {
        let (request, mut payload) = TestRequest::default().set_payload(body).to_http_parts();
        Payload::from_request(&request, &mut payload).await.expect("payload")
    }

    #[actix_web::test]
    async fn a_body_holds_its_share_until_it_is_dropped() {
        let budget = TransferBudget { units: Arc::new(Semaphore::new(2)), max_file_bytes: 1024 * 1024 };
        static BODY: [u8; UNIT_BYTES + 1] = [7; UNIT_BYTES + 1];
        let upload = budget.read(payload(&BODY).await, None).await.expect("room");
        assert_eq!((upload.content.len(), budget.units.available_permits()), (UNIT_BYTES + 1, 0));
        let refused = budget.read(payload(b"x").await, None).await.expect_err("full");
        assert_eq!(refused.code(), Code::Busy);
        drop(upload);
        assert_eq!(budget.units.available_permits(), 2);
        let announced = budget.read(payload(b"").await, Some(2 * 1024 * 1024)).await.expect_err("too large");
        assert_eq!(announced.code(), Code::BodyTooLarge);
        assert_eq!(budget.units.available_permits(), 2, "what was only announced held nothing");
    }

    #[actix_web::test]
    async fn a_download_sends_all_of_it_and_gives_its_share_back() {
        let budget = TransferBudget::for_files_of(1);
        let all = budget.units.available_permits();
        let mut share = budget.share();
        share.grow_to(100_000).expect("room");
        let content = Bytes::from(vec![1; 100_000]);
        let download = Download::new(content.clone(), share);
        assert_eq!(download.size(), BodySize::Sized(100_000));
        assert!(budget.units.available_permits() < all);
        assert_eq!(actix_web::body::to_bytes(download).await.expect("sent"), content);
        assert_eq!(budget.units.available_permits(), all);
    }
}
