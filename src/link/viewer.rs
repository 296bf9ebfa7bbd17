//! One attachment to a terminal: [`Viewer`] sends, [`ViewerEvents`] receives.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use carrel_protocol::{INPUT_WINDOW_BYTES, MAX_CHUNK_BYTES, TerminalSize, ToAgent, ViewerEvent, ViewerId};
use futures_util::Stream;
use tokio::runtime::Handle;

use super::connection::Shared;
use super::inbox::{Inbox, Violation};

/// Why input was not taken; none of it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputRefused {
    /// The program does not read: [`INPUT_WINDOW_BYTES`] are waiting for it.
    #[error("the terminal does not take input at the moment")]
    Busy,
    /// The sandbox is not connected.
    #[error("the sandbox is not connected")]
    Gone,
}

/// The sending side of an attachment. Dropping it detaches.
#[derive(Debug)]
pub struct Viewer {
    id: ViewerId,
    link: Arc<Shared>,
    port: Arc<Port>,
}

/// The receiving side of an attachment: a stream that ends when the link does.
#[derive(Debug)]
pub struct ViewerEvents {
    port: Arc<Port>,
    /// Until it is first polled, and so known where its reader lives.
    link: Option<Arc<Shared>>,
}

/// What both sides and the link's reader share.
#[derive(Debug)]
pub(super) struct Port {
    inbox: Mutex<Inbox>,
    typed: AtomicU64,
    taken: AtomicU64,
    /// Whether somebody reads the events; without, the agent's output is dropped until it learns of the detachment.
    open: AtomicBool,
}

impl Port {
    pub(super) fn new(window: u32) -> Self {
        Self {
            inbox: Mutex::new(Inbox::new(window)),
            typed: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            open: AtomicBool::new(true),
        }
    }

    pub(super) fn open_at(&self, start: u64) {
        self.inbox().open_at(start);
    }

    pub(super) fn push(&self, event: ViewerEvent) -> Result<(), Violation> {
        if let ViewerEvent::InputTaken { total } = event {
            if total > self.typed.load(Ordering::Acquire) {
                return Err(Violation::Input);
            }
            self.taken.fetch_max(total, Ordering::AcqRel);
        }
        if !self.open.load(Ordering::Acquire) {
            return Ok(());
        }
        let waker = self.inbox().push(event)?;
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }

    pub(super) fn close(&self) {
        let waker = self.inbox().close();
        waker.into_iter().for_each(Waker::wake);
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Viewer {
    pub(super) fn new(id: ViewerId, link: Arc<Shared>, port: Arc<Port>) -> (Self, ViewerEvents) {
        let events = ViewerEvents { port: Arc::clone(&port), link: Some(Arc::clone(&link)) };
        (Self { id, link, port }, events)
    }

    /// Sends all of `bytes` to the terminal, or nothing.
    ///
    /// # Errors
    /// [`InputRefused`]; what was typed before is not affected.
    pub fn try_input(&self, bytes: Bytes) -> Result<(), InputRefused> {
        let length = bytes.len() as u64;
        let (typed, taken) = (self.port.typed.load(Ordering::Acquire), self.port.taken.load(Ordering::Acquire));
        if typed - taken + length > INPUT_WINDOW_BYTES {
            return Err(InputRefused::Busy);
        }
        // Counted before it is sent: the agent's answer may overtake us. Only this viewer's one owner adds to it.
        self.port.typed.fetch_add(length, Ordering::AcqRel);
        let mut rest = bytes;
        while !rest.is_empty() {
            let chunk = rest.split_to(rest.len().min(MAX_CHUNK_BYTES));
            self.link.send(&ToAgent::Input { viewer: self.id, bytes: chunk }).map_err(|_| InputRefused::Gone)?;
        }
        self.link.typed();
        Ok(())
    }

    /// Bytes typed and not yet taken by the terminal.
    #[must_use]
    pub fn pending_input(&self) -> u64 {
        self.port.typed.load(Ordering::Acquire) - self.port.taken.load(Ordering::Acquire)
    }

    /// The viewer has shown all output before `offset`. An offset that goes back or was never sent is ignored.
    pub fn ack(&self, offset: u64) {
        if self.port.inbox().ack(offset) {
            // A link that is gone ends the events; nothing is left to acknowledge.
            self.link.send(&ToAgent::Ack { viewer: self.id, offset }).ok();
        }
    }

    /// The viewer's window has this size now.
    pub fn resize(&self, size: TerminalSize) {
        let size = crate::model::terminal::clamped(size);
        self.link.send(&ToAgent::Resize { viewer: self.id, size }).ok();
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.link.forget_viewer(self.id);
    }
}

impl Stream for ViewerEvents {
    type Item = ViewerEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ViewerEvent>> {
        if let (Some(link), Ok(runtime)) = (self.link.take(), Handle::try_current()) {
            link.read_in(runtime);
        }
        self.port.inbox().poll(cx.waker())
    }
}

impl Drop for ViewerEvents {
    fn drop(&mut self) {
        self.port.open.store(false, Ordering::Release);
    }
}
