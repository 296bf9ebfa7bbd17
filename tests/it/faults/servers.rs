//! Two servers on one database: one has a session, the other says so; one that was asleep for too long writes nothing and lets go.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::types;
use crate::support::client::{Client, PASSWORD, READY, Session, eventually, ok};
use crate::support::events::Events;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

/// Leases in these tests.
const LEASE: Duration = Duration::from_secs(3);

/// Two servers, and the same person at both.
async fn two() -> (Server, Server, Client, Client) {
    let seconds = LEASE.as_secs().to_string();
    let one = Server::start_with(&[("CARREL_SERVER__LEASE_SECONDS", &seconds)]).await;
    let two = one.beside().await;
    let name = format!("u{}", &Uuid::new_v4().simple().to_string()[..12]);
    let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": PASSWORD });
    let (here, there) = (Client::new(&one.url), Client::new(&two.url));
    ok(here.request(Method::POST, "/api/v1/auth/register").json(&account).send().await.unwrap(), 201).await;
    let login = json!({ "login": name, "password": PASSWORD });
    let answer = there.request(Method::POST, "/api/v1/auth/login").json(&login).send().await.unwrap();
    assert!(answer.status().is_success());
    (one, two, here, there)
}

fn seen_from(session: &Session, client: &Client) -> Session {
    Session { client: client.clone(), id: session.id.clone() }
}

/// The close code and reason of a socket that says where else to go.
async fn closed(session: &Session, path: &str, protocol: &str) -> (u16, String) {
    let (mut socket, _) = connect_async(session.client.handshake(&session.path(path), protocol)).await.unwrap();
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        if let Message::Close(Some(frame)) = message {
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

/// That a request was refused because the session is at `url`.
async fn assert_elsewhere(answer: reqwest::Response, url: &str) {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    let told = (status.as_u16(), &body["code"], &body["server_url"]);
    assert_eq!(told, (409, &json!("session_elsewhere"), &json!(url)), "{body}");
}

#[tokio::test]
async fn of_two_servers_one_has_a_session_and_the_other_says_where_it_is() {
    let (one, two, here, there) = two().await;
    let session = here.ready_session().await;
    let mut shell = session.shell().await;
    let other = seen_from(&session, &there);
    for path in ["/start", "/stop", "/restart"] {
        assert_elsewhere(other.request(Method::POST, path).send().await.unwrap(), &one.url).await;
    }
    assert_elsewhere(other.put("a.txt", "x", &[]).await, &one.url).await;
    assert_eq!(closed(&other, "/socket", "carrel.session.v1").await, (4409, one.url.clone()));
    let terminal = format!("/terminals/{}/socket", shell.id);
    assert_eq!(closed(&other, &terminal, "carrel.terminal.v1").await, (4409, one.url.clone()));
    // What is only read is the same everywhere.
    session.save("a.txt", "from one").await;
    assert_eq!(other.read("a.txt").await.unwrap(), b"from one");
    assert_eq!(other.get().await["state"], "ready");

    // Both are asked for the same sessions at the same moment: each is one's.
    let mut winners = Vec::new();
    for _ in 0..6 {
        let cold = here.session().await;
        let same = seen_from(&cold, &there);
        let name = json!({ "name": "Fought for" });
        let rename = |session: &Session| session.request(Method::PATCH, "").json(&name).send();
        let (at_one, at_two) = tokio::join!(rename(&cold), rename(&same));
        let answers = [(at_one.unwrap(), &two.url), (at_two.unwrap(), &one.url)];
        let won: Vec<_> = answers.iter().map(|(answer, _)| answer.status() == StatusCode::OK).collect();
        winners.push(won.iter().position(|won| *won).unwrap());
        assert_ne!(won[0], won[1], "exactly one");
        for (answer, url) in answers.into_iter().filter(|(answer, _)| answer.status() != StatusCode::OK) {
            assert_elsewhere(answer, url).await;
        }
    }
    println!("won by server: {winners:?}");

    // A server that restarts has its own at once, whoever is there meanwhile.
    one.kill_9().await;
    assert_elsewhere(other.request(Method::POST, "/start").send().await.unwrap(), &one.url).await;
    one.start_again().await;
    shell.reconnect().await;
    types(&mut shell, "mine").await;
    assert_elsewhere(other.request(Method::POST, "/start").send().await.unwrap(), &one.url).await;
}

#[tokio::test]
async fn a_server_that_was_asleep_while_another_took_its_session_over_writes_nothing_and_lets_go() {
    let (one, two, here, there) = two().await;
    let session = here.ready_session().await;
    session.save("a.txt", "before").await;
    let mut shell = session.shell().await;
    let mut events = session.events().await;
    let other = seen_from(&session, &there);
    // Two has been heard for a lease's time: it may judge.
    tokio::time::sleep(LEASE + Duration::from_secs(1)).await;
    one.signal(Signal::SIGSTOP);
    // On its way into the sleeping server, to be done when that wakes up.
    let late = tokio::spawn({
        let session = session.clone();
        async move { session.put("a.txt", "too late", &[]).await.status() }
    });
    let frozen = Instant::now();
    let taken = async || {
        let answer = other.request(Method::POST, "/start").send().await.unwrap();
        (answer.status() == StatusCode::ACCEPTED).then_some(())
    };
    eventually(LEASE * 4, "the session at the other server", taken).await;
    assert!(frozen.elapsed() > LEASE - Duration::from_secs(1), "not before its lease is over");
    Events::open(&other).await;
    let ready = async || (other.get().await["state"] == "ready").then_some(());
    eventually(READY, "ready there", ready).await;
    assert_eq!(other.in_sandbox("a.txt").await, b"before");
    other.save("a.txt", "after").await;

    one.signal(Signal::SIGCONT);
    let status = late.await.unwrap();
    assert!(status == 409 || status == 503, "a late save was answered {status}");
    while events.next(PATIENCE).await.is_some() {}
    assert_eq!(events.closed, Some(4409));
    assert!(matches!(shell.close_code(PATIENCE).await, Some(4409 | 4503)));
    assert_eq!(closed(&session, "/socket", "carrel.session.v1").await, (4409, two.url.clone()));
    assert_elsewhere(session.put("a.txt", "later still", &[]).await, &two.url).await;
    assert_eq!(other.read("a.txt").await.unwrap(), b"after");
    assert_eq!(other.in_sandbox("a.txt").await, b"after");
    assert_eq!(session.get().await["state"], "ready");
    assert!(one.log().contains("letting go"), "it says so");
}
