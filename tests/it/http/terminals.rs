//! `carrel.terminal.v1` with real programs behind it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::engine::TestEngine;
use crate::support::server::{Browser, Socket, TestServer, problem};

const TERMINAL: &str = "carrel.terminal.v1";

/// A server whose sandboxes have Python.
async fn server() -> TestServer {
    let image = TestEngine::shared().await.carrel().await.python_image().await;
    TestServer::start_with(|config| config.sandbox.image = Some(image.as_str().to_owned())).await
}

/// A viewer that follows the document.
struct Viewer {
    socket: Socket,
    hello: Value,
    /// Output so far; its first byte has the sequence number of the hello.
    output: Vec<u8>,
    controls: Vec<Value>,
    closed: Option<u16>,
}

impl Viewer {
    async fn attach(browser: &Browser<'_>, path: &str) -> Self {
        let mut socket = browser.socket(path, TERMINAL).await;
        let Message::Binary(frame) = socket.next().await.unwrap().unwrap() else {
            panic!("a binary frame comes first")
        };
        assert_eq!(frame[0], 1);
        let hello: Value = serde_json::from_slice(&frame[1..]).unwrap();
        assert_eq!(hello["type"], "hello");
        Self { socket, hello, output: Vec::new(), controls: Vec::new(), closed: None }
    }

    fn start(&self) -> u64 {
        self.hello["seq"].as_u64().unwrap()
    }

    /// Takes one frame; `false` when the socket is closed.
    async fn step(&mut self) -> bool {
        match self.socket.next().await {
            Some(Ok(Message::Binary(frame))) if frame[0] == 0 => {
                let seq = u64::from_le_bytes(frame[1..9].try_into().unwrap());
                assert_eq!(seq, self.start() + self.output.len() as u64, "no byte twice, none missing");
                self.output.extend_from_slice(&frame[9..]);
                let end = self.start() + self.output.len() as u64;
                self.send(&[&[1][..], &end.to_le_bytes()].concat()).await;
            }
            Some(Ok(Message::Binary(frame))) => self.controls.push(serde_json::from_slice(&frame[1..]).unwrap()),
            Some(Ok(Message::Close(frame))) => {
                self.closed = frame.map(|frame| frame.code.into());
                return false;
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
        true
    }

    async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !done(self) {
                assert!(self.step().await, "closed ({:?}) before {what}", self.closed);
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), waiting).await.is_err() {
            let tail = &self.output[self.output.len().saturating_sub(300)..];
            panic!("no {what}; {:?}; output ends with {:?}", self.controls, String::from_utf8_lossy(tail));
        }
    }

    async fn until_text(&mut self, text: &str) {
        self.until(text, |viewer| viewer.output.windows(text.len()).any(|part| part == text.as_bytes())).await;
    }

    async fn until_control(&mut self, kind: &str) -> Value {
        self.until(kind, |viewer| viewer.controls.iter().any(|control| control["type"] == kind)).await;
        let found = self.controls.iter().position(|control| control["type"] == kind).unwrap();
        self.controls.remove(found)
    }

    async fn until_closed(&mut self) -> Option<u16> {
        while self.step().await {}
        self.closed
    }

    /// Sends a frame; the end of the socket shows when reading.
    async fn send(&mut self, frame: &[u8]) {
        self.socket.send(Message::binary(frame.to_vec())).await.ok();
    }

    async fn input(&mut self, bytes: &[u8]) {
        self.send(&[&[0][..], bytes].concat()).await;
    }
}

/// A terminal that runs `command`; its socket's path.
async fn open(browser: &Browser<'_>, session: &str, command: Value) -> String {
    let path = format!("/api/v1/sessions/{session}/terminals");
    let answer = browser.post(&path, &json!({ "cols": 80, "rows": 24, "command": command })).await;
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    let terminal: Value = answer.json().await.unwrap();
    format!("{path}/{}/socket", terminal["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_terminal_is_typed_into_resized_replayed_and_closed() {
    let server = server().await;
    let ada = server.user("ada").await;
    let session = ada.session("One").await;
    let path = open(&ada, &session, json!(["bash", "--norc"])).await;
    let mut viewer = Viewer::attach(&ada, &path).await;
    assert_eq!((&viewer.hello["cols"], &viewer.hello["rows"]), (&json!(80), &json!(24)));
    viewer.input("echo ${HOME}\u{20ac}; stty size\r".as_bytes()).await;
    viewer.until_text("/home/carrel€\r\n24 80").await;
    viewer.send(&[2, 100, 0, 30, 0]).await;
    assert_eq!(viewer.until_control("size").await, json!({ "type": "size", "cols": 100, "rows": 30 }));
    viewer.input(b"stty size\r").await;
    viewer.until_text("30 100").await;

    // Another window sees all of it, or what is missing from `since` on.
    let mut second = Viewer::attach(&ada, &path).await;
    assert_eq!(second.start(), 0);
    second.until_text("30 100").await;
    let since = viewer.output.len() as u64 - 10;
    let mut third = Viewer::attach(&ada, &format!("{path}?since={since}")).await;
    assert_eq!((third.start(), &third.hello["reset"]), (since, &json!(false)));
    third.until("the rest", |third| third.output.len() >= 10).await;
    assert!(viewer.output.ends_with(&third.output[..10]));

    viewer.input(b"exit 3\r").await;
    assert_eq!(viewer.until_control("exit").await, json!({ "type": "exit", "code": 3, "signal": null }));
    let mut late = Viewer::attach(&ada, &path).await;
    assert_eq!(late.until_control("exit").await["code"], 3, "whoever comes later sees how it ended, too");
    let terminal = path.trim_end_matches("/socket");
    assert_eq!(ada.request(reqwest::Method::DELETE, terminal).send().await.unwrap().status(), 204);
    assert_eq!(viewer.until_closed().await, Some(1000));
    assert_eq!(problem(ada.request(reqwest::Method::DELETE, terminal).send().await.unwrap()).await, "not_found");
}

#[tokio::test]
async fn input_that_is_refused_and_resumed_arrives_once_and_in_order() {
    let server = server().await;
    let ada = server.user("ada").await;
    let session = ada.session("One").await;
    // Reads nothing until it is told to, then says what it got.
    let program = "import sys, time, tty, os, hashlib
tty.setraw(0)
print('ready', flush=True)
while not os.path.exists('/workspace/go'): time.sleep(0.05)
got = b''
while len(got) < 300000: got += os.read(0, 65536)
print('hash', hashlib.sha256(got).hexdigest(), len(got), flush=True)";
    let path = open(&ada, &session, json!(["python3", "-c", program])).await;
    let mut viewer = Viewer::attach(&ada, &path).await;
    viewer.until_text("ready").await;
    let typed: Vec<u8> = (0..300_000_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    // More than fits, all at once, as a page that has not yet read the refusal would.
    for part in typed[..128 * 1024].chunks(16 * 1024) {
        viewer.input(part).await;
    }
    let busy = viewer.until_control("busy").await["accepted"].as_u64().unwrap();
    assert!((16 * 1024..=80 * 1024).contains(&busy), "{busy}");
    viewer.input(b"sent before the refusal was read").await;
    let go = ada.request(reqwest::Method::PUT, &format!("/api/v1/sessions/{session}/files/go")).body("");
    assert_eq!(go.send().await.unwrap().status(), 201);
    let mut sent = busy;
    viewer
        .until("the end of the refusal", |viewer| {
            viewer.controls.iter().any(|control| *control == json!({ "type": "input", "accepted": busy }))
        })
        .await;
    viewer.input(b"still before the resumption").await;
    viewer.send(&[&[3][..], &busy.to_le_bytes()].concat()).await;
    // From here on within the window, as a page does it.
    while sent < typed.len() as u64 {
        let from = usize::try_from(sent).unwrap();
        let part = &typed[from..(from + 16 * 1024).min(typed.len())];
        viewer.input(part).await;
        sent += part.len() as u64;
        viewer
            .until("progress", |viewer| {
                let taken = viewer.controls.iter().filter_map(|control| control["accepted"].as_u64()).max();
                sent - taken.unwrap_or(0) <= 48 * 1024
            })
            .await;
    }
    viewer.until_text(&format!("hash {}", sha256(&typed))).await;
    assert!(viewer.controls.iter().all(|control| control["type"] != "busy"), "{:?}", viewer.controls);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

#[tokio::test]
async fn frames_against_the_protocol_end_the_socket_with_their_code() {
    let server = server().await;
    let ada = server.user("ada").await;
    let session = ada.session("One").await;
    let path = open(&ada, &session, json!(["sleep", "1000"])).await;
    for (frame, code) in [
        (Message::binary(vec![]), 1002),
        (Message::binary(vec![9]), 1002),
        (Message::binary(vec![1, 0]), 1002),
        (Message::binary(vec![2, 1, 0, 1, 0, 1]), 1002),
        (Message::binary([&[3][..], &77_u64.to_le_bytes()].concat()), 1002),
        (Message::text("ls"), 1003),
        (Message::binary(vec![0; 70_000]), 1009),
    ] {
        let mut viewer = Viewer::attach(&ada, &path).await;
        viewer.socket.send(frame.clone()).await.unwrap();
        assert_eq!(viewer.until_closed().await, Some(code), "{frame:?}");
    }
    let mut viewer = Viewer::attach(&ada, &path).await;
    viewer.send(&[&[1][..], &u64::MAX.to_le_bytes()].concat()).await;
    viewer.send(&[2, 255, 255, 0, 0]).await;
    let size = viewer.until_control("size").await;
    assert_eq!(size, json!({ "type": "size", "cols": 1000, "rows": 1 }), "the terminal lives on, within bounds");
}

#[tokio::test]
async fn a_viewer_that_does_not_read_holds_nobody_up_and_gets_no_more_than_its_window() {
    let server = server().await;
    let ada = server.user("ada").await;
    let session = ada.session("One").await;
    let path = open(&ada, &session, json!(["yes"])).await;
    let mut lazy = Viewer::attach(&ada, &path).await;
    let mut keen = Viewer::attach(&ada, &path).await;
    keen.until("8 MiB", |keen| keen.output.len() > 8 * 1024 * 1024).await;
    keen.input(b"\x03").await;
    assert_eq!(keen.until_control("exit").await["signal"], 2, "Ctrl-C works while it prints");
    // Whatever was sent to the one that acknowledged nothing is its window and no more.
    let mut received = 0;
    while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_millis(500), lazy.socket.next()).await {
        if let Message::Binary(frame) = message
            && frame[0] == 0
        {
            received += frame.len() - 9;
        }
    }
    assert!((1..=256 * 1024).contains(&received), "{received}");
}
