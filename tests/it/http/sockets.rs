//! Who may open a WebSocket, and how it ends. What goes through a terminal's is tested with real terminals elsewhere.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::server::{Socket, TestServer};

const SESSION: &str = "carrel.session.v1";
const TERMINAL: &str = "carrel.terminal.v1";
const NOBODYS: &str = "0190a5e0-0000-7000-8000-000000000000";

/// Status and code with which a handshake is refused.
async fn refusal(request: Request) -> (u16, String) {
    match connect_async(request).await {
        Err(Error::Http(answer)) => {
            let status = answer.status().as_u16();
            let body: Value = serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).unwrap_or_default();
            (status, body["code"].as_str().unwrap_or_default().to_owned())
        }
        other => panic!("{other:?}"),
    }
}

/// The next message of the session's socket.
async fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The code of the close frame that ends the socket.
async fn close_code(socket: &mut Socket) -> Option<u16> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(frame) = message {
            return frame.map(|frame| frame.code.into());
        }
    }
    None
}

#[tokio::test]
async fn a_handshake_is_refused_before_it_is_answered() {
    let server = TestServer::start().await;
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let session = ada.session("One").await;
    let sockets = [
        (format!("/api/v1/sessions/{session}/socket"), SESSION),
        (format!("/api/v1/sessions/{session}/terminals/{NOBODYS}/socket"), TERMINAL),
    ];
    for (path, protocol) in &sockets {
        for origin in
            ["http://evil.example", "null", "", &server.url.replace("http", "https"), &format!("{}0", server.url)]
        {
            let mut request = ada.handshake(path, protocol);
            request.headers_mut().insert("origin", origin.parse().unwrap());
            assert_eq!(refusal(request).await, (403, "forbidden_origin".into()), "{path} {origin}");
        }
        let mut request = ada.handshake(path, protocol);
        request.headers_mut().remove("origin");
        assert_eq!(refusal(request).await, (403, "forbidden_origin".into()), "{path} without an origin");
        let mut request = ada.handshake(path, protocol);
        request.headers_mut().append("origin", "http://evil.example".parse().unwrap());
        assert_eq!(refusal(request).await, (403, "forbidden_origin".into()), "{path} with two origins");
        let nobody = server.browser();
        assert_eq!(refusal(nobody.handshake(path, protocol)).await, (401, "unauthenticated".into()), "{path}");
        assert_eq!(refusal(eve.handshake(path, protocol)).await, (404, "not_found".into()), "{path}");
        assert_eq!(refusal(ada.handshake(path, "other.v1")).await, (400, "websocket_required".into()), "{path}");
        let answer = ada.get(path).await;
        assert_eq!(answer.status(), 400, "no handshake at all: {path}");
    }
    let terminal = &sockets[1].0;
    assert_eq!(refusal(ada.handshake(terminal, TERMINAL)).await, (409, "not_ready".into()), "nothing runs yet");
    let request = ada.handshake(&format!("{terminal}?since=-1"), TERMINAL);
    assert_eq!(refusal(request).await, (400, "invalid_query".into()));
}

#[tokio::test]
async fn a_sessions_socket_says_hello_and_ends_with_the_login_that_opened_it() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let session = ada.session("One").await;
    let path = format!("/api/v1/sessions/{session}/socket");
    let mut socket = ada.socket(&path, SESSION).await;
    let hello = next(&mut socket).await;
    assert_eq!((&hello["type"], &hello["session"]["id"]), (&json!("hello"), &json!(session)));
    assert_eq!(next(&mut socket).await, json!({ "type": "terminals", "items": [] }));

    let other = server.browser();
    let password = crate::support::server::PASSWORD;
    assert_eq!(other.post("/api/v1/auth/login", &json!({ "login": "ada", "password": password })).await.status(), 200);
    let mut others = other.socket(&path, SESSION).await;
    assert_eq!(ada.post("/api/v1/auth/logout", &json!({})).await.status(), 204);
    assert_eq!(close_code(&mut socket).await, Some(4401));
    others.send(Message::Ping("x".into())).await.unwrap();
    while !matches!(others.next().await.unwrap().unwrap(), Message::Pong(_)) {}
}

#[tokio::test]
async fn a_socket_of_a_deleted_session_is_told_so() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let session = ada.session("One").await;
    let mut socket = ada.socket(&format!("/api/v1/sessions/{session}/socket"), SESSION).await;
    next(&mut socket).await;
    let path = format!("/api/v1/sessions/{session}");
    assert_eq!(ada.request(reqwest::Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(close_code(&mut socket).await, Some(4404));
}

#[tokio::test]
async fn files_that_change_are_told_to_whoever_looks() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let base = format!("/api/v1/sessions/{}", ada.session("One").await);
    let mut socket = ada.socket(&format!("{base}/socket"), SESSION).await;
    let put = ada.request(reqwest::Method::PUT, &format!("{base}/files/main.py")).body("x");
    assert_eq!(put.send().await.unwrap().status(), 201);
    let mut message = next(&mut socket).await;
    while message["type"] != "tree" {
        message = next(&mut socket).await;
    }
    assert_eq!(message["changes"][0]["path"], "main.py", "{message}");
}

#[tokio::test]
async fn frames_that_have_no_business_here_end_the_socket_with_their_code() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let path = format!("/api/v1/sessions/{}/socket", ada.session("One").await);
    let piece = Frame::from_payload(
        FrameHeader { is_final: false, opcode: OpCode::Data(Data::Binary), ..FrameHeader::default() },
        "x".into(),
    );
    let reserved = Frame::from_payload(
        FrameHeader { opcode: OpCode::Data(Data::Reserved(5)), ..FrameHeader::default() },
        "x".into(),
    );
    for (message, code) in [
        (Message::text("hello"), 1003),
        (Message::binary(vec![0]), 1003),
        (Message::binary(vec![0; 100_000]), 1009),
        (Message::Frame(piece), 1002),
        (Message::Frame(reserved), 1002),
    ] {
        let mut socket = ada.socket(&path, SESSION).await;
        socket.send(message.clone()).await.unwrap();
        assert_eq!(close_code(&mut socket).await, Some(code), "{}", message.len());
    }
}

#[tokio::test]
async fn a_flood_of_pings_ends_the_socket() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let path = format!("/api/v1/sessions/{}/socket", ada.session("One").await);
    let mut socket = ada.socket(&path, SESSION).await;
    for _ in 0..300 {
        if socket.feed(Message::Ping("x".into())).await.is_err() {
            break;
        }
    }
    socket.flush().await.ok();
    assert_eq!(close_code(&mut socket).await, Some(1008));
}

#[tokio::test]
async fn sockets_are_told_when_the_server_goes_away() {
    let server = TestServer::start().await;
    let ada = server.user("ada").await;
    let mut socket = ada.socket(&format!("/api/v1/sessions/{}/socket", ada.session("One").await), SESSION).await;
    next(&mut socket).await;
    server.begin_stop();
    assert_eq!(close_code(&mut socket).await, Some(1001));
}
