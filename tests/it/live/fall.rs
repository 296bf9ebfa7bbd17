//! A SessionActor that falls over: what its user notices, what others notice, and when it stays down.

use std::path::PathBuf;
use std::time::Duration;

use carrel::actors::api::SessionError;
use carrel::model::SessionId;
use serde_json::json;

use crate::support::client::{Client, Session, eventually};
use crate::support::engine::TestEngine;
use crate::support::server::TestServer;
use crate::support::terminal::PATIENCE;

/// A server in this very process, with real sandboxes.
async fn server() -> TestServer {
    TestEngine::shared().await.carrel().await.python_image().await;
    TestServer::start_with(|config| {
        let products = PathBuf::from(env!("CARGO_BIN_EXE_carrel"));
        let products = products.parent().unwrap().parent().unwrap().join("sandbox");
        config.sandbox.agent = Some(products.join("carrel-agent"));
    })
    .await
}

fn id(session: &Session) -> SessionId {
    session.id.parse().unwrap()
}

/// Which replacement serves the session.
async fn generation(server: &TestServer, session: &Session) -> Option<u64> {
    let all = server.sessions.describe().await;
    all.into_iter().find(|actor| actor.kind == "SessionActor" && actor.name == session.id).map(|actor| actor.generation)
}

#[tokio::test]
async fn a_panicked_session_is_replaced_under_the_same_id_and_its_programs_live_on() {
    let server = server().await;
    let user = Client::register(&server.url).await;
    let (session, other) = (user.ready_session().await, user.ready_session().await);
    session.save("a.txt", "before").await;
    let mut events = session.events().await;
    let (mut shell, mut others) = (session.shell().await, other.shell().await);
    let pid = shell.run("echo $$").await.0;
    shell.line("sleep 1000").await;
    shell.expect("sleep 1000\r\n").await;
    assert_eq!(generation(&server, &session).await, Some(1));

    server.sessions.make_fall_over(id(&session)).await.unwrap();
    let replaced = async || (generation(&server, &session).await == Some(2)).then_some(());
    eventually(PATIENCE, "a second generation", replaced).await;
    // Its page is told to connect again, and finds everything as it was.
    while events.next(Duration::from_secs(5)).await.is_some() {}
    assert_eq!(events.closed, Some(4503));
    let ready = async || (session.get().await["state"] == "ready").then_some(());
    eventually(PATIENCE, "a ready session", ready).await;
    let again = async || session.terminals().await.first().cloned();
    let found = eventually(PATIENCE, "its terminal", again).await;
    assert_eq!((&found["id"], &found["exit"]), (&json!(shell.id), &json!(null)));
    if shell.closed.is_some() || shell.close_code(Duration::from_millis(500)).await.is_some() {
        shell.reconnect().await;
    }
    shell.type_text("\u{3}").await;
    shell.expect("^C").await;
    shell.expect("$ ").await;
    assert_eq!(shell.run("echo $$").await.0, pid);
    session.save("a.txt", "after").await;
    assert_eq!(shell.run("cat a.txt").await.0, "after");
    shell.run("echo made > made.txt").await;
    let made = async || session.read("made.txt").await;
    assert_eq!(eventually(PATIENCE, "a file from the terminal", made).await, b"made\n");

    // Others notice nothing: not even their sockets.
    assert_eq!(generation(&server, &other).await, Some(1));
    assert_eq!(others.run("echo here").await, ("here\n".into(), 0));
    assert_eq!(others.closed, None);
}

#[tokio::test]
async fn an_actor_that_falls_over_again_and_again_leaves_its_session_failed_and_it_can_be_started_anew() {
    let server = server().await;
    let user = Client::register(&server.url).await;
    let (session, other) = (user.ready_session().await, user.ready_session().await);
    session.save("kept.txt", "kept").await;
    let mut shell = session.shell().await;
    let pid = shell.run("echo $$").await.0;
    for generation_now in 1..=3 {
        let serving = async || (generation(&server, &session).await == Some(generation_now)).then_some(());
        eventually(PATIENCE, &format!("generation {generation_now}"), serving).await;
        server.sessions.make_fall_over(id(&session)).await.unwrap();
    }
    let failed = async || {
        let now = session.get().await;
        (now["state"] == "failed").then_some(now)
    };
    let failed = eventually(PATIENCE, "a failed session", failed).await;
    assert!(failed["reason"].as_str().unwrap().contains("failed repeatedly"), "{failed}");
    assert_eq!(other.get().await["state"], "ready");
    let supervisors = server.sessions.describe().await;
    let failures: u64 =
        supervisors.iter().filter(|actor| actor.kind == "SessionSupervisor").map(|actor| actor.failures).sum();
    assert_eq!(failures, 3);

    // Its sandbox was not given up: what ran in it goes on.
    session.start().await;
    shell.reconnect().await;
    assert_eq!(shell.run("echo $$").await.0, pid);
    assert_eq!(session.in_sandbox("kept.txt").await, b"kept");
}

#[tokio::test]
async fn a_request_the_session_fell_over_three_times_is_kept_away_and_the_session_goes_on() {
    let server = server().await;
    let session = Client::register(&server.url).await.ready_session().await;
    let mut shell = session.shell().await;
    let pid = shell.run("echo $$").await.0;
    for now in 1..=3 {
        let serving = async || (generation(&server, &session).await == Some(now)).then_some(());
        eventually(PATIENCE, &format!("generation {now}"), serving).await;
        assert_eq!(server.sessions.ask_to_fall_over(id(&session)).await, Err(SessionError::Busy));
    }
    let serving = async || (generation(&server, &session).await == Some(4)).then_some(());
    eventually(PATIENCE, "a fourth generation", serving).await;
    assert_eq!(server.sessions.ask_to_fall_over(id(&session)).await, Err(SessionError::Quarantined));
    assert_eq!(session.get().await["state"], "ready");
    shell.reconnect().await;
    assert_eq!(shell.run("echo $$").await.0, pid);
    let all = server.sessions.describe().await;
    let actor = all.iter().find(|actor| actor.kind == "SessionActor").unwrap();
    assert_eq!((actor.generation, actor.refused_by.get("FallOver"), actor.healthy), (4, Some(&1), true));
    assert!(all.iter().any(|actor| actor.kind == "WorkspaceSyncActor" && actor.name == session.id), "{all:#?}");
}
