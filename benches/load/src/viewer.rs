//! One WebSocket that looks at a terminal and acknowledges what it sees, for thousands of them beside each other.

use anyhow::Context;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::api::{Account, Failure, Terminal};
use crate::frames::{self, Progress, ServerFrame};

/// What a viewer sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// The next bytes of the terminal.
    Output(Bytes),
    /// A control frame.
    Control(Value),
    /// The connection ended; why, in a few words.
    End(String),
}

/// A viewer.
#[derive(Debug)]
pub struct Viewer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    progress: Progress,
    /// Whether the terminal could not go on where it was asked to: output is missing.
    pub reset: bool,
}

/// The handshake for a terminal of Carrel. `origin` is the server's own address.
///
/// # Errors
///
/// The address or the cookie is none.
pub fn handshake(url: &str, origin: &str, cookie: &str) -> anyhow::Result<Request> {
    let mut request = url.into_client_request()?;
    for (name, value) in [("origin", origin), ("cookie", cookie), ("sec-websocket-protocol", frames::PROTOCOL)] {
        request.headers_mut().insert(name, HeaderValue::from_str(value)?);
    }
    Ok(request)
}

impl Viewer {
    /// Looks at a terminal, from byte `since` on.
    ///
    /// # Errors
    ///
    /// What the server says instead of a greeting.
    pub async fn attach(account: &Account, terminal: &Terminal, since: Option<u64>) -> Result<Self, Failure> {
        let url = account.socket_url(terminal, since);
        let request = handshake(&url, account.server().url(), account.cookie())
            .map_err(|error| Failure::because(error.to_string()))?;
        let connected = connect_async_with_config(request, None, true).await;
        let (mut socket, _) = connected.map_err(|error| Failure::because(in_short(&error)))?;
        let greeting = socket.next().await.and_then(|message| match message {
            Ok(Message::Binary(frame)) => ServerFrame::parse(frame),
            _ => None,
        });
        let begun = match greeting {
            Some(ServerFrame::Control(hello)) => Progress::begin(&hello).map(|progress| (progress, hello)),
            _ => None,
        };
        let (progress, hello) = begun.context("no greeting").map_err(|error| Failure::because(error.to_string()))?;
        Ok(Self { socket, progress, reset: hello["reset"] == true })
    }

    /// The number of the byte that comes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.progress.next_seq()
    }

    /// Waits for something to see. May be dropped while it waits: nothing is lost.
    pub async fn next(&mut self) -> Seen {
        loop {
            let frame = match self.socket.next().await {
                Some(Ok(Message::Binary(frame))) => ServerFrame::parse(frame),
                Some(Ok(Message::Close(reason))) => {
                    let code = reason.map_or(1005, |reason| u16::from(reason.code));
                    return Seen::End(format!("closed {code}"));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Seen::End(in_short(&error)),
                None => return Seen::End("the connection broke".to_owned()),
            };
            match frame {
                Some(ServerFrame::Output { seq, bytes }) if seq == self.next_seq() => {
                    if let Some(ack) = self.progress.saw(bytes.len()) {
                        // An end shows when reading.
                        self.socket.send(Message::Binary(ack)).await.ok();
                    }
                    return Seen::Output(bytes);
                }
                Some(ServerFrame::Output { .. }) => return Seen::End("a byte is missing or came twice".to_owned()),
                Some(ServerFrame::Control(control)) => return Seen::Control(control),
                None => return Seen::End("a frame of no known kind".to_owned()),
            }
        }
    }

    /// Types.
    pub async fn input(&mut self, bytes: &[u8]) {
        // An end shows when reading.
        self.socket.send(Message::Binary(frames::input(bytes))).await.ok();
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        self.socket.close(None).await.ok();
    }
}

/// An error as something that can be counted.
fn in_short(error: &Error) -> String {
    match error {
        Error::Http(answer) => format!("{} at the handshake", answer.status().as_u16()),
        Error::Io(_) | Error::ConnectionClosed | Error::AlreadyClosed => "the connection broke".to_owned(),
        Error::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            "the connection broke".to_owned()
        }
        other => other.to_string(),
    }
}
