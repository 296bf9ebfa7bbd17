//! A viewer of one terminal, `carrel.terminal.v1`, which does not believe the server: every output frame must begin with the very
//! byte that comes next.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::client::Session;
use super::events::Socket;

/// How long a program may take to print what is expected, on a machine with better things to do.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Input sent in one frame.
const INPUT_BYTES: usize = 32 * 1024;

/// A viewer.
pub struct Terminal {
    /// Its session.
    pub session: Session,
    /// The terminal.
    pub id: String,
    /// The first frame.
    pub hello: Value,
    /// Every output byte since [`Terminal::start`].
    pub bytes: Vec<u8>,
    /// Sequence number of the first of [`Terminal::bytes`].
    pub start: u64,
    /// Control frames in order of arrival, `hello` excepted.
    pub controls: Vec<Value>,
    /// The code of the close frame, once it has come.
    pub closed: Option<u16>,
    /// Whether output is acknowledged as it comes.
    pub acks: bool,
    /// Up to where `expect` has looked.
    mark: usize,
    socket: Socket,
}

impl Terminal {
    /// Looks at a terminal from `since` on.
    pub async fn attach(session: &Session, id: &str, since: Option<u64>) -> Self {
        Self::try_attach(session, id, since).await.unwrap_or_else(|error| panic!("no terminal: {error:?}"))
    }

    /// The same; an error when the handshake is refused.
    pub async fn try_attach(session: &Session, id: &str, since: Option<u64>) -> Result<Self, Error> {
        let since = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let path = session.path(&format!("/terminals/{id}/socket{since}"));
        let (socket, _) = connect_async(session.client.handshake(&path, "carrel.terminal.v1")).await?;
        let mut terminal = Self {
            session: session.clone(),
            id: id.to_owned(),
            hello: Value::Null,
            bytes: Vec::new(),
            start: 0,
            controls: Vec::new(),
            closed: None,
            acks: true,
            mark: 0,
            socket,
        };
        while terminal.hello.is_null() {
            // The connection was cut in this very moment.
            if !terminal.receive(PATIENCE).await || terminal.closed.is_some() {
                return Err(Error::ConnectionClosed);
            }
        }
        terminal.start = terminal.hello["seq"].as_u64().unwrap();
        Ok(terminal)
    }

    /// Connects again where this connection ended, as a page does, for as long as server or sandbox are away: nothing may be missing,
    /// nothing come twice.
    pub async fn reconnect(&mut self) {
        self.reconnect_with(|| Duration::from_millis(20)).await;
    }

    /// The same with these pauses between two tries.
    pub async fn reconnect_with(&mut self, mut pause: impl FnMut() -> Duration) {
        let (since, began) = (Some(self.next_seq()), Instant::now());
        let again = loop {
            match Self::try_attach(&self.session, &self.id, since).await {
                Ok(again) => break again,
                Err(Error::Http(answer)) if answer.status() != 503 => panic!("refused: {answer:?}"),
                Err(error) => assert!(began.elapsed() < PATIENCE, "no connection within {PATIENCE:?}: {error:?}"),
            }
            tokio::time::sleep(pause()).await;
        };
        assert_eq!((&again.hello["reset"], again.start), (&Value::Bool(false), self.next_seq()), "{}", again.hello);
        (self.socket, self.hello, self.closed) = (again.socket, again.hello, None);
    }

    /// Sequence number of the byte that comes next.
    pub fn next_seq(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Everything printed, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// What a screen of this size would show.
    pub fn screen(&self, rows: u16, cols: u16) -> vt100::Parser {
        let mut parser = vt100::Parser::new(rows, cols, 0);
        parser.process(&self.bytes);
        parser
    }

    /// Sends one frame.
    pub async fn send(&mut self, tag: u8, body: &[u8]) {
        assert!(self.try_send(tag, body).await, "the connection has ended");
    }

    /// The same; `false` when the connection has ended.
    pub async fn try_send(&mut self, tag: u8, body: &[u8]) -> bool {
        let frame = [&[tag][..], body].concat();
        self.socket.send(Message::Binary(frame.into())).await.is_ok()
    }

    /// Types.
    pub async fn type_text(&mut self, text: &str) {
        for chunk in text.as_bytes().chunks(INPUT_BYTES) {
            self.send(0, chunk).await;
        }
    }

    /// Types a line.
    pub async fn line(&mut self, text: &str) {
        self.type_text(&format!("{text}\r")).await;
    }

    /// Says that everything before `seq` is on the screen.
    pub async fn ack(&mut self, seq: u64) {
        self.send(1, &seq.to_le_bytes()).await;
    }

    /// Has another size.
    pub async fn resize(&mut self, cols: u16, rows: u16) {
        self.send(2, &[cols.to_le_bytes(), rows.to_le_bytes()].concat()).await;
    }

    /// Takes the next frame; `false` when the connection has ended or nothing came in time.
    pub async fn receive(&mut self, patience: Duration) -> bool {
        let Ok(Some(Ok(message))) = tokio::time::timeout(patience, self.socket.next()).await else { return false };
        match message {
            Message::Binary(frame) => self.take(&frame).await,
            Message::Close(frame) => self.closed = frame.map(|frame| frame.code.into()),
            _ => {}
        }
        true
    }

    async fn take(&mut self, frame: &[u8]) {
        match frame[0] {
            0 => {
                let seq = u64::from_le_bytes(frame[1..9].try_into().unwrap());
                assert_eq!(seq, self.next_seq(), "a byte is missing or came twice");
                assert!(frame.len() > 9, "an output frame without output");
                self.bytes.extend_from_slice(&frame[9..]);
                if self.acks {
                    // Its connection may have ended; whoever waits for more will notice.
                    let ack = [&[1][..], &self.next_seq().to_le_bytes()].concat();
                    self.socket.send(Message::Binary(ack.into())).await.ok();
                }
            }
            1 => {
                let control: Value = serde_json::from_slice(&frame[1..]).unwrap();
                if control["type"] == "hello" { self.hello = control } else { self.controls.push(control) }
            }
            tag => panic!("tag {tag}"),
        }
    }

    /// Receives until `done` gives something.
    pub async fn until<T>(&mut self, what: &str, patience: Duration, mut done: impl FnMut(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(result) = done(self) {
                return result;
            }
            let left = patience.saturating_sub(began.elapsed());
            if !self.receive(left).await {
                let text = self.text();
                let tail: String = text.chars().skip(text.chars().count().saturating_sub(2000)).collect();
                let (controls, closed) = (&self.controls, self.closed);
                panic!("no {what} within {patience:?} (closed {closed:?}, {controls:?}); it printed:\n{tail:?}");
            }
        }
    }

    /// Waits for `text` after what was expected before; what was printed up to and with it.
    pub async fn expect(&mut self, text: &str) -> String {
        self.expect_within(text, PATIENCE).await
    }

    /// The same with another patience.
    pub async fn expect_within(&mut self, text: &str, patience: Duration) -> String {
        let (from, mut looked) = (self.mark, self.mark);
        let end = self
            .until(&format!("{text:?}"), patience, |terminal| {
                let found = find(&terminal.bytes[looked..], text.as_bytes()).map(|at| looked + at + text.len());
                looked = terminal.bytes.len().saturating_sub(text.len() - 1).max(from);
                found
            })
            .await;
        self.mark = end;
        String::from_utf8_lossy(&self.bytes[from..end]).into_owned()
    }

    /// Runs a command in the shell that waits for one; what it printed, and its exit code.
    pub async fn run(&mut self, command: &str) -> (String, i32) {
        self.run_within(command, PATIENCE).await
    }

    /// The same with another patience.
    pub async fn run_within(&mut self, command: &str, patience: Duration) -> (String, i32) {
        self.mark = self.bytes.len();
        // The quotes keep what is typed apart from what is printed.
        self.line(&format!("{command}; echo E''ND=$?=")).await;
        let printed = self.expect_within("END=", patience).await;
        let code = self.expect_within("=", patience).await;
        let printed = printed.strip_suffix("END=").unwrap();
        // What the shell says when it takes a line and begins to run it.
        let printed = printed.rsplit_once("\u{1b}[?2004l\r").map_or(printed, |(_, printed)| printed);
        (printed.replace("\r\n", "\n"), code.trim_end_matches('=').parse().unwrap())
    }

    /// Waits for the program's end: its exit control.
    pub async fn exit(&mut self) -> Value {
        self.control("exit").await
    }

    /// Waits for a control frame of this type; the last one.
    pub async fn control(&mut self, kind: &str) -> Value {
        let of = |terminal: &Self| terminal.controls.iter().rfind(|control| control["type"] == kind).cloned();
        self.until(&format!("{kind} control"), PATIENCE, of).await
    }

    /// Waits for the end of the connection; the code of its close frame.
    pub async fn close_code(&mut self, patience: Duration) -> Option<u16> {
        let began = Instant::now();
        while self.closed.is_none() && self.receive(patience.saturating_sub(began.elapsed())).await {}
        self.closed
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
