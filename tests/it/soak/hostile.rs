//! Clients that mean harm, or were written badly: what they get, what they cost, and that nobody else notices.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::size;
use crate::support::client::{Client, Session, problem};
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// Clients of each kind at the same time.
const CLIENTS: usize = 20;

/// What the server may grow by, in KiB: a window and its frames for each of them, and what the allocator keeps.
const MOST_GROWTH_KIB: u64 = 64 * 1024;

/// Far above what the benches hold: other tests run beside this one, on few processors.
const MOST_ECHO_P95: Duration = Duration::from_millis(500);

/// A WebSocket into which anything can be written.
type Raw = WebSocketStream<TcpStream>;

async fn raw(session: &Session, terminal: &str) -> Raw {
    let handshake =
        session.client.handshake(&session.path(&format!("/terminals/{terminal}/socket")), "carrel.terminal.v1");
    let stream = TcpStream::connect(session.client.url.strip_prefix("http://").unwrap()).await.unwrap();
    client_async(handshake, stream).await.unwrap().0
}

/// A masked frame, its mask being zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ ..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Writes all of `bytes` past the library and gives the code of the close frame that comes, reading and writing in turns of what there is.
async fn pour(mut socket: Raw, bytes: &[u8]) -> Option<u16> {
    let mut written = 0;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        tokio::select! {
            biased;
            message = socket.next() => match message {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            },
            () = tokio::task::yield_now(), if written < bytes.len() => {
                match socket.get_ref().try_write(&bytes[written..(written + 64 * 1024).min(bytes.len())]) {
                    Ok(count) => written += count,
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        // Whatever comes first: room, or something to read.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    // The end shows when reading.
                    Err(_) => written = bytes.len(),
                }
            }
        }
    }
    panic!("neither an end nor a close frame")
}

/// Somebody who types and wants to see it; the slowest of twenty echoes, on average over his time, until he is told to stop.
async fn quiet(mut shell: Terminal, mut stop: tokio::sync::oneshot::Receiver<()>) -> Duration {
    let mut times = Vec::new();
    while stop.try_recv().is_err() {
        let began = Instant::now();
        shell.type_text("x").await;
        shell.expect("x").await;
        times.push(began.elapsed());
        if times.len() % 60 == 0 {
            shell.type_text("\u{15}").await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    times.sort();
    times[times.len() * 95 / 100]
}

#[tokio::test]
async fn clients_that_mean_harm_are_shown_the_door_and_cost_others_nothing() {
    let server =
        Server::start_with(&[("CARREL_TERMINAL__STALL_SECONDS", "3"), ("CARREL_SERVER__LOG_FILTER", "info")]).await;
    let (victim, guest) = tokio::join!(server.user(), server.user());
    let (victim, session) = tokio::join!(victim.ready_session(), guest.ready_session());
    let terminal = session.program(&["sleep", "100000"]).await.id;
    let flood = session.program(&["yes"]).await.id;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let shell = victim.shell().await;
    let before = server.resident_kib();
    let watching = tokio::spawn(quiet(shell, stopped));

    never_read(&session, &flood).await;
    let never_read_kib = server.resident_kib();
    for (what, bytes, code) in [
        // The first of many frames of one byte each, which together would be a message.
        ("fragments", [frame(0x02, b"\0"), frame(0x00, b"x").repeat(1000)].concat(), 1002),
        ("pings", frame(0x89, b"").repeat(5000), 1008),
        ("pongs", frame(0x8a, b"").repeat(5000), 1008),
        ("a frame of 100 MB", frame(0x82, &vec![0; size(20_000_000, 100_000_000)]), 1009),
        ("resizes", frame(0x82, &[2, 80, 0, 24, 0]).repeat(5000), 1008),
    ] {
        // A hundred megabytes are in this process, too.
        let clients = if bytes.len() > 1 << 20 { 2 } else { CLIENTS };
        let pouring = (0..clients).map(async |_| pour(raw(&session, &terminal).await, &bytes).await);
        let codes = join_all(pouring).await;
        assert!(codes.iter().all(|got| *got == Some(code)), "{what}: {codes:?}");
    }
    drip(&session).await;
    flood_of_input(&session, &terminal).await;
    flood_of_body(&guest, &session).await;

    let after = server.resident_kib();
    stop.send(()).unwrap();
    let echo = watching.await.unwrap();
    eprintln!(
        "server {before} KiB, {never_read_kib} KiB after those who never read, {after} KiB at the end; echo p95 {echo:?} meanwhile"
    );
    for kib in [never_read_kib, after] {
        assert!(kib < before + MOST_GROWTH_KIB, "{before} KiB, then {kib} KiB");
    }
    assert!(echo < MOST_ECHO_P95, "{echo:?}");
    // Those who did no harm, and what they look at, are untouched.
    let listed = session.terminals().await;
    assert!(listed.iter().filter(|one| one["exit"].is_null()).count() >= 2, "{listed:#?}");
    let mut flood = Terminal::attach(&session, &flood, None).await;
    flood.type_text("\u{3}").await;
    assert_eq!(flood.exit().await["signal"], 2);
}

/// Clients who look at a flood and never take a byte out of their socket: the server lets go of them by itself.
async fn never_read(session: &Session, flood: &str) {
    let clients: Vec<_> = join_all((0..CLIENTS).map(async |_| raw(session, flood).await)).await;
    let began = Instant::now();
    // Only now, long after their time was over, do they look: a greeting, one window, and the door.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let ends = clients.into_iter().map(async |mut client| {
        let mut received = 0;
        loop {
            match tokio::time::timeout(PATIENCE, client.next()).await.expect("an end") {
                Some(Ok(Message::Binary(frame))) => received += frame.len(),
                Some(Ok(Message::Close(reason))) => return (received, reason.map(|reason| u16::from(reason.code))),
                Some(Ok(_)) => {}
                // Told before, and gone.
                Some(Err(_)) | None => return (received, None),
            }
        }
    });
    for (received, code) in join_all(ends).await {
        assert!((100_000..300_000).contains(&received), "{received}");
        assert_eq!(code, Some(4408), "after {:?}", began.elapsed());
    }
}

/// A client whose every byte is a segment of its own: slow, and nothing else is wrong with it.
async fn drip(session: &Session) {
    let terminal = session.program(&["cat"]).await.id;
    let mut socket = raw(session, &terminal).await;
    socket.get_ref().set_nodelay(true).unwrap();
    for byte in [frame(0x82, b"\0drip"), frame(0x82, b"\0 drop\r")].concat() {
        socket.get_mut().write_all(&[byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut output = Vec::new();
    while !output.windows(9).any(|window| window == b"drip drop") {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("an echo").unwrap().unwrap();
        if let Message::Binary(frame) = message
            && frame[0] == 0
        {
            output.extend_from_slice(&frame[9..]);
        }
    }
}

/// Input by the hundred megabytes for a program that reads none: refused, thrown away, and the connection is still of use.
async fn flood_of_input(session: &Session, terminal: &str) {
    let mut socket = raw(session, terminal).await;
    let piece = frame(0x82, &[&[0][..], &[b'x'; 32 * 1024]].concat());
    let mut busy = false;
    for _ in 0..size(20_000_000, 100_000_000) / piece.len() {
        socket.get_mut().write_all(&piece).await.unwrap();
    }
    socket.send(Message::Binary([&[2][..], &[100, 0, 30, 0]].concat().into())).await.unwrap();
    // What is sent after all of it is heard, too.
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("an answer").unwrap().unwrap();
        let Message::Binary(frame) = message else { continue };
        if frame[0] == 1 {
            let control: serde_json::Value = serde_json::from_slice(&frame[1..]).unwrap();
            busy |= control["type"] == "busy";
            if control["type"] == "size" && control["cols"] == 100 {
                break;
            }
        }
    }
    assert!(busy, "a hundred megabytes were taken");
}

/// A file of a hundred megabytes.
async fn flood_of_body(client: &Client, session: &Session) {
    let body = vec![0_u8; 100_000_000];
    // Refused while it is still being sent: either the answer is read, or the connection breaks on the way.
    let request = client.request(reqwest::Method::PUT, &session.file("huge.bin")).body(body);
    if let Ok(answer) = request.send().await {
        assert_eq!(problem(answer).await, (413, "body_too_large".to_owned()));
    }
    assert_eq!(session.read("huge.bin").await, None);
}
