//! Whole file bodies on their way in and out, each with its share of the [budget](super::budget).
//!
//! **Invariant**: memory a body holds is memory nobody else gets, so one that stands still or moves too slowly is ended.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::budget::{Share, TransferBudget};
use super::error::{ApiError, Code};
use crate::model::UserId;

/// How long a body may come without progress.
pub(super) const STALL: Duration = Duration::from_secs(20);

/// The same for one that goes: a socket takes megabytes at once, and nothing until most of them are read.
pub(super) const DOWNLOAD_STALL: Duration = Duration::from_secs(120);

/// How slow a body may be on the whole, after as long as it may stand still at first.
const LEAST_BYTES_PER_SECOND: u32 = 16 * 1024;

/// What of a refused body is still read, so that the client gets to see the answer instead of a reset connection…
const LINGER_BYTES: usize = 8 * 1024 * 1024;
/// …and for how long.
const LINGER: Duration = Duration::from_secs(2);

/// Bytes sent down to the connection at a time.
const SLICE_BYTES: usize = 64 * 1024;

/// How a body moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    stall: Duration,
    began: Instant,
    moved: Instant,
    bytes: usize,
}

impl Pace {
    pub(super) fn new(stall: Duration, now: Instant) -> Self {
        Self { stall, began: now, moved: now, bytes: 0 }
    }

    pub(super) fn moved(&mut self, bytes: usize, now: Instant) {
        self.moved = now;
        self.bytes += bytes;
    }

    /// When more must have moved.
    pub(super) fn due(&self) -> Instant {
        let millis = self.bytes as u64 * 1000 / u64::from(LEAST_BYTES_PER_SECOND);
        (self.began + STALL + Duration::from_millis(millis)).min(self.moved + self.stall)
    }
}

/// A body and its share of the budget, given back when dropped.
#[derive(Debug)]
pub struct Upload {
    content: Bytes,
    share: Share,
}

impl Upload {
    /// Reads a whole body, taking its share as it grows: what has only been announced holds nothing.
    ///
    /// # Errors
    /// [`Code::BodyTooLarge`], [`Code::Busy`], [`Code::RequestTimeout`], [`Code::InvalidBody`].
    pub async fn read(
        budget: &TransferBudget,
        user: UserId,
        body: Payload,
        announced: Option<usize>,
    ) -> Result<Self, ApiError> {
        Self::read_up_to(budget.max_file_bytes(), budget, user, body, announced).await
    }

    /// The same of a body that may have `most` bytes.
    ///
    /// # Errors
    /// As [`Upload::read`].
    pub async fn read_up_to(
        most: usize,
        budget: &TransferBudget,
        user: UserId,
        mut body: Payload,
        announced: Option<usize>,
    ) -> Result<Self, ApiError> {
        let most = most.min(budget.max_file_bytes());
        let result = Self::read_within(most, budget, user, &mut body, announced).await;
        if matches!(&result, Err(error) if matches!(error.code(), Code::BodyTooLarge | Code::Busy)) {
            linger(&mut body).await;
        }
        result
    }

    async fn read_within(
        most: usize,
        budget: &TransferBudget,
        user: UserId,
        body: &mut Payload,
        announced: Option<usize>,
    ) -> Result<Self, ApiError> {
        if announced.is_some_and(|bytes| bytes > most) {
            return Err(too_large(most));
        }
        let mut share = budget.share(user);
        let (mut content, mut pace) = (BytesMut::new(), Pace::new(STALL, Instant::now()));
        loop {
            let chunk = timeout_at(pace.due(), body.next()).await;
            let Some(chunk) = chunk.map_err(|_| ApiError::new(Code::RequestTimeout))? else { break };
            let chunk = chunk.map_err(|error| ApiError::because(Code::InvalidBody, error))?;
            if content.len() + chunk.len() > most {
                return Err(too_large(most));
            }
            share.grow_to(content.len() + chunk.len())?;
            content.extend_from_slice(&chunk);
            pace.moved(chunk.len(), Instant::now());
        }
        Ok(Self { content: content.freeze(), share })
    }

    /// The content, and the share to be held as long as it is in memory.
    #[must_use]
    pub fn into_parts(self) -> (Bytes, Share) {
        (self.content, self.share)
    }
}

fn too_large(most: usize) -> ApiError {
    ApiError::because(Code::BodyTooLarge, format_args!("The body may have at most {} MiB.", most / (1024 * 1024)))
}

/// The size a client says its body has.
pub(super) fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads some of a body that was refused.
pub(super) async fn linger(body: &mut Payload) {
    // Not arriving in time is as good as having read it all.
    drop(timeout(LINGER, discard(body)).await);
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

/// A response body that gives its share back once it is sent, or when its reader is too slow.
#[derive(Debug)]
pub struct Download {
    size: u64,
    /// Empty when it was given up.
    rest: Arc<Mutex<Option<Rest>>>,
    watch: Option<AbortHandle>,
}

/// What is still to be sent.
#[derive(Debug)]
struct Rest {
    content: Bytes,
    pace: Pace,
    _share: Share,
}

/// The client reads too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the client reads too slowly")]
pub struct TooSlow;

impl Download {
    /// Sends `content` while holding `share`.
    #[must_use]
    pub fn new(content: Bytes, share: Share) -> Self {
        let size = content.len() as u64;
        let rest = Rest { content, pace: Pace::new(DOWNLOAD_STALL, Instant::now()), _share: share };
        Self { size, rest: Arc::new(Mutex::new(Some(rest))), watch: None }
    }

    /// What is still to be sent.
    #[must_use]
    pub fn content(&self) -> Bytes {
        lock(&self.rest).as_ref().map(|rest| rest.content.clone()).unwrap_or_default()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.watch.iter().for_each(AbortHandle::abort);
    }
}

impl MessageBody for Download {
    type Error = TooSlow;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let slice = {
            let mut rest = lock(&this.rest);
            let Some(rest) = rest.as_mut() else { return Poll::Ready(Some(Err(TooSlow))) };
            if rest.content.is_empty() {
                return Poll::Ready(None);
            }
            let slice = rest.content.split_to(rest.content.len().min(SLICE_BYTES));
            rest.pace.moved(slice.len(), Instant::now());
            slice
        };
        // A connection whose client does not read asks for no more: somebody else has to look at the clock.
        this.watch.get_or_insert_with(|| tokio::spawn(give_up_slow(Arc::downgrade(&this.rest))).abort_handle());
        Poll::Ready(Some(Ok(slice)))
    }
}

/// Gives a download up when it is too slow.
async fn give_up_slow(rest: Weak<Mutex<Option<Rest>>>) {
    while let Some(shared) = rest.upgrade() {
        let due = lock(&shared).as_ref().map(|rest| rest.pace.due());
        match due {
            None => return,
            Some(due) if due <= Instant::now() => return drop(lock(&shared).take()),
            Some(due) => {
                drop(shared);
                sleep_until(due).await;
            }
        }
    }
}

fn lock(rest: &Mutex<Option<Rest>>) -> MutexGuard<'_, Option<Rest>> {
    // Nothing that may panic is done with it.
    rest.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn is_whole(budget: &TransferBudget) -> bool {
        budget.share(UserId::new()).grow_to(2 << 20).is_ok()
    }

    #[actix_web::test]
    async fn a_body_holds_its_share_until_it_is_dropped() {
        let budget = TransferBudget::for_files_of(1);
        static BODY: [u8; 1 << 20] = [7; 1 << 20];
        let user = UserId::new();
        let read = async |body| Upload::read(&budget, user, payload(body).await, None).await;
        let mut uploads = Vec::new();
        for _ in 0..16 {
            uploads.push(read(&BODY).await.expect("room"));
        }
        assert_eq!(read(b"x").await.expect_err("full").code(), Code::Busy);
        drop(uploads);
        assert_eq!(read(b"x").await.expect("room").into_parts().0, "x");
        let announced = Upload::read(&budget, user, payload(b"").await, Some(2 << 20)).await.expect_err("too large");
        assert_eq!(announced.code(), Code::BodyTooLarge);
    }

    #[actix_web::test]
    async fn a_download_sends_all_of_it_and_gives_its_share_back() {
        let budget = TransferBudget::for_files_of(8);
        // All of its 32 MiB.
        let [share, _one, _other] = [2, 16, 14].map(|megabytes| {
            let mut share = budget.share(UserId::new());
            share.grow_to(megabytes << 20).expect("room");
            share
        });
        let content = Bytes::from(vec![1; 2 << 20]);
        let download = Download::new(content.clone(), share);
        assert_eq!(download.size(), BodySize::Sized(2 << 20));
        assert!(!is_whole(&budget));
        assert_eq!(actix_web::body::to_bytes(download).await.expect("sent"), content);
        assert!(is_whole(&budget));
    }

    #[actix_web::test]
    async fn a_download_whose_reader_is_too_slow_gives_its_share_back_and_breaks_off() {
        let budget = TransferBudget::for_files_of(2);
        let mut share = budget.share(UserId::new());
        share.grow_to(2 << 20).expect("room");
        let mut download = Download::new(Bytes::from(vec![1; 2 << 20]), share);
        if let Some(rest) = lock(&download.rest).as_mut() {
            rest.pace.began -= Duration::from_secs(60);
        }
        let rest = Arc::clone(&download.rest);
        let mut next = async || std::future::poll_fn(|cx| Pin::new(&mut download).poll_next(cx)).await;
        assert!(matches!(next().await, Some(Ok(slice)) if slice.len() == SLICE_BYTES));
        while lock(&rest).is_some() {
            tokio::task::yield_now().await;
        }
        assert!(matches!(next().await, Some(Err(TooSlow))));
    }

    #[test]
    fn a_body_may_be_slow_but_not_too_slow_nor_stand_still() {
        for (bytes, every, ends_after) in [(1024, 1, Some(21)), (20 * 1024, 1, None), (1 << 20, 21, Some(20))] {
            let began = Instant::now();
            let mut pace = Pace::new(STALL, began);
            let moments = (1..600 / every).map(|number| began + Duration::from_secs(number * every));
            let mut ended = None;
            for next in moments {
                if pace.due() < next {
                    ended = Some((pace.due() - began).as_secs());
                    break;
                }
                pace.moved(bytes, next);
            }
            assert_eq!(ended, ends_after, "{bytes} every {every} s");
        }
    }
}
