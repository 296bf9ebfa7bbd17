//! A session's socket, `carrel.session.v1`, as a test listens to it.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::client::Session;

/// A WebSocket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a session tells.
pub struct Events {
    socket: Socket,
    /// The first message.
    pub hello: Value,
    /// Everything heard so far, for whoever wonders why a test failed.
    pub heard: Vec<Value>,
    /// The code of the close frame, once it has come.
    pub closed: Option<u16>,
}

impl Events {
    /// Listens from now on; the session's greeting has been heard.
    pub async fn open(session: &Session) -> Self {
        let handshake = session.client.handshake(&session.path("/socket"), "carrel.session.v1");
        let (socket, _) = connect_async(handshake).await.expect("a session's socket");
        let mut events = Self { socket, hello: Value::Null, heard: Vec::new(), closed: None };
        events.hello = events.next(Duration::from_secs(10)).await.unwrap();
        assert_eq!(events.hello["type"], "hello");
        events
    }

    /// The next message; `None` when the socket has ended or nothing came in time.
    pub async fn next(&mut self, patience: Duration) -> Option<Value> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            match tokio::time::timeout_at(deadline, self.socket.next()).await.ok()?? {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    self.heard.push(message.clone());
                    return Some(message);
                }
                Ok(Message::Close(frame)) => self.closed = frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The first message from now on of which `wanted` holds, and how long it took.
    pub async fn until(
        &mut self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> (Value, Duration) {
        let began = Instant::now();
        loop {
            let left = patience.saturating_sub(began.elapsed());
            match self.next(left).await {
                Some(message) if wanted(&message) => return (message, began.elapsed()),
                Some(_) => {}
                None => panic!("no {what} within {patience:?} (closed {:?}), only {:#?}", self.closed, self.heard),
            }
        }
    }

    /// Waits for this state; its message.
    pub async fn state(&mut self, state: &str, patience: Duration) -> Value {
        let of = |message: &Value| message["type"] == "state" && message["state"] == state;
        self.until(&format!("state {state}"), patience, of).await.0
    }

    /// Waits until the tree says this of a path: `true` for there, `false` for gone; the item and how long it took.
    pub async fn tree(&mut self, path: &str, there: bool, patience: Duration) -> (Value, Duration) {
        let change = |message: &Value| {
            let changes = message["changes"].as_array()?;
            changes.iter().find(|change| change["path"] == path && change["item"].is_null() != there).cloned()
        };
        let (message, took) =
            self.until(&format!("{path:?} in the tree"), patience, |message| change(message).is_some()).await;
        (change(&message).unwrap()["item"].clone(), took)
    }

    /// A notice that contains `text` and comes after this.
    pub async fn notice_from_now(&mut self, text: &str, patience: Duration) -> Value {
        let of = |message: &Value| message["type"] == "notice" && message["text"].as_str().unwrap().contains(text);
        self.until(&format!("notice {text:?}"), patience, of).await.0
    }

    /// A notice that contains `text`, heard already or to come.
    pub async fn notice(&mut self, text: &str, patience: Duration) -> Value {
        let of = |message: &Value| message["type"] == "notice" && message["text"].as_str().unwrap().contains(text);
        if let Some(heard) = self.heard.iter().find(|message| of(message)) {
            return heard.clone();
        }
        self.until(&format!("notice {text:?}"), patience, of).await.0
    }
}
