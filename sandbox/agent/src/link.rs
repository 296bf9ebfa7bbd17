//! The connection to the server: dialling, frames in, frames out.
//!
//! ```text
//! down ── dial ──▶ greeting (Hello sent) ── Welcome ──▶ up ── anything wrong ──▶ down, dial at once, then back off
//! ```

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use carrel_protocol::{CodecError, FrameCodec, LINK_SOCKET, LINK_TOKEN, ToAgent, ToServer, codec};
use rustix::io::{Errno, read};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with};
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use crate::readiness::{Room, register};

/// First pause between two attempts to dial.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Longest pause between two attempts to dial.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A server that does not answer the greeting by then is left.
const GREETING_TIME: Duration = Duration::from_secs(10);

/// A connection that lasted this long was of use; shorter ones may be a server that fails at once, again and again.
const USEFUL_TIME: Duration = Duration::from_secs(1);

/// Bytes waiting to be sent from which on nobody adds bulk output. Beyond it an echo would be late.
const BUSY_BYTES: usize = 64 * 1024;

/// Bytes waiting to be sent from which on nothing more is read: the server asks faster than it listens.
const CHOKED_BYTES: usize = 2 * 1024 * 1024;

/// Bytes read from the server before others get their turn.
const READ_BYTES: usize = 256 * 1024;

/// Bytes read from the server at once.
const BUFFER_BYTES: usize = 16 * 1024;

/// The token is 64 bytes or so; more is not read.
const MAX_TOKEN_BYTES: u64 = 1024;

/// The one connection, or the wish for one.
#[derive(Debug)]
pub struct Link {
    dir: PathBuf,
    token: Option<String>,
    connection: Option<Connection>,
    buffer: Box<[u8]>,
    /// Number of the present or next connection.
    number: u64,
    dial_at: Instant,
    pause: Duration,
}

#[derive(Debug)]
struct Connection {
    stream: AsyncFd<OwnedFd>,
    room: Room,
    incoming: BytesMut,
    outgoing: BytesMut,
    welcomed: bool,
    greeted_at: Instant,
}

/// Why a connection was given up.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The server closed it, or the socket broke.
    #[error("the link is closed")]
    Closed,
    /// Bytes that are no frame, or a frame over the limit.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A frame that makes no sense now.
    #[error("the server broke the protocol: {0}")]
    Protocol(&'static str),
}

impl Link {
    /// Not connected; to be dialled at once.
    #[must_use]
    pub fn new(dir: PathBuf, now: Instant) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into();
        Self { dir, token: None, connection: None, buffer, number: 0, dial_at: now, pause: FIRST_PAUSE }
    }

    /// Number of the present connection, if its server has said welcome.
    #[must_use]
    pub fn up(&self) -> Option<u64> {
        self.connection.as_ref().filter(|connection| connection.welcomed).map(|_| self.number)
    }

    /// Whether a connection exists, welcomed or not.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// When something is to be done although nothing was heard.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.connection {
            None => Some(self.dial_at),
            Some(connection) if !connection.welcomed => Some(connection.greeted_at + GREETING_TIME),
            Some(_) => None,
        }
    }

    /// The folder of the socket changed: perhaps the server is back.
    pub fn wake(&mut self, now: Instant) {
        if self.connection.is_none() {
            (self.dial_at, self.pause) = (now, FIRST_PAUSE);
        }
    }

    /// Dials if it is time to; `true` when there is a new connection, which must be greeted with the token.
    pub fn dial(&mut self, now: Instant) -> Option<String> {
        if self.connection.is_some() || now < self.dial_at {
            return None;
        }
        let attempt = self.token().and_then(|token| Ok((token, self.connect()?)));
        match attempt {
            Ok((token, stream)) => {
                self.number += 1;
                self.connection = Some(Connection {
                    stream,
                    room: Room::default(),
                    incoming: BytesMut::new(),
                    outgoing: BytesMut::new(),
                    welcomed: false,
                    greeted_at: now,
                });
                Some(token)
            }
            Err(_) => {
                self.pause_dialling(now);
                None
            }
        }
    }

    /// Notes that the server said welcome.
    pub fn welcomed(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.welcomed = true;
        }
    }

    /// Gives the connection up. One that was of use is dialled again at once, another after a pause.
    pub fn close(&mut self, now: Instant) {
        let Some(connection) = self.connection.take() else { return };
        if connection.welcomed && now >= connection.greeted_at + USEFUL_TIME {
            (self.dial_at, self.pause) = (now, FIRST_PAUSE);
        } else {
            self.pause_dialling(now);
        }
    }

    /// Whether bulk output has to wait.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.waiting() >= BUSY_BYTES
    }

    /// Whether everything was handed to the socket.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.waiting() == 0
    }

    /// Puts a frame in line; without a connection it goes nowhere.
    pub fn send(&mut self, frame: &ToServer) {
        if let Some(connection) = &mut self.connection {
            // Every frame made here is within the limit; one that were not would be left out whole.
            let _ = codec::encode(frame, &mut connection.outgoing);
        }
    }

    /// Reads what has arrived; `true` when there may be more at once.
    ///
    /// # Errors
    /// [`LinkError::Closed`].
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, LinkError> {
        let choked = self.waiting() >= CHOKED_BYTES;
        let Some(connection) = self.connection.as_mut().filter(|_| !choked) else { return Ok(false) };
        let before = connection.incoming.len();
        while connection.incoming.len() - before < READ_BYTES {
            let mut ready = match connection.stream.poll_read_ready(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(ready) => ready.map_err(|_| LinkError::Closed)?,
            };
            match read(&connection.stream, &mut self.buffer[..]) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(count) => {
                    connection.incoming.extend_from_slice(&self.buffer[..count]);
                    if count < self.buffer.len() {
                        // There was no more, and what comes is heard of.
                        ready.clear_ready();
                    }
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(_) => return Err(LinkError::Closed),
            }
        }
        Ok(true)
    }

    /// The next whole frame of those that were read.
    ///
    /// # Errors
    /// [`LinkError::Codec`].
    pub fn next_frame(&mut self) -> Result<Option<ToAgent>, LinkError> {
        let Some(connection) = &mut self.connection else { return Ok(None) };
        Ok(FrameCodec::default().decode(&mut connection.incoming)?)
    }

    /// Hands as much as possible to the socket, and sees to being woken when the rest fits.
    ///
    /// # Errors
    /// [`LinkError::Closed`].
    pub fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), LinkError> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        while !connection.outgoing.is_empty() {
            if connection.room.poll(cx).is_pending() {
                return Ok(());
            }
            match send(&connection.stream, &connection.outgoing, SendFlags::NOSIGNAL) {
                Ok(count) => bytes::Buf::advance(&mut connection.outgoing, count),
                Err(Errno::AGAIN) => {
                    return connection.room.wait(&connection.stream, cx).map_err(|_| LinkError::Closed);
                }
                Err(Errno::INTR) => {}
                Err(_) => return Err(LinkError::Closed),
            }
        }
        connection.room.forget();
        Ok(())
    }

    fn pause_dialling(&mut self, now: Instant) {
        self.dial_at = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn waiting(&self) -> usize {
        self.connection.as_ref().map_or(0, |connection| connection.outgoing.len())
    }

    /// Read once and then kept in memory only: the server removes the file after the first greeting.
    fn token(&mut self) -> io::Result<String> {
        use io::Read;
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let mut text = String::new();
        std::fs::File::open(self.dir.join(LINK_TOKEN))?.take(MAX_TOKEN_BYTES).read_to_string(&mut text)?;
        Ok(self.token.insert(text.trim().to_owned()).clone())
    }

    /// Never blocks, not even on a server whose line of waiting connections is full.
    fn connect(&self) -> io::Result<AsyncFd<OwnedFd>> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(self.dir.join(LINK_SOCKET))?)?;
        register(socket)
    }
}
