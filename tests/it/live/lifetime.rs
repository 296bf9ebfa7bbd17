//! A session that ends by itself: warned of, put off, kept by work, and never by accident.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::client::{READY, Session, eventually, ok, problem};
use crate::support::events::Events;
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// What this server's sessions may be unused, and unused but watched.
const IDLE: Duration = Duration::from_secs(4);
const WATCHED: Duration = Duration::from_secs(9);

/// One whose sessions end soon.
async fn impatient() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let settings = [("CARREL_SANDBOX__IDLE_SECONDS", "4"), ("CARREL_SANDBOX__WATCHED_SECONDS", "9")];
    SERVER.get_or_init(async || Server::start_with(&settings).await).await
}

async fn ending(events: &mut Events, why: &Value) -> Value {
    let told = |event: &Value| event["type"] == "ending" && event["why"] == *why;
    events.until(&format!("ending because of {why}"), PATIENCE, told).await.0
}

async fn notice(terminal: &mut Terminal, text: &str) -> Value {
    let told = |terminal: &Terminal| {
        let told = |control: &&Value| {
            control["type"] == "notice" && control["text"].as_str().is_some_and(|told| told.contains(text))
        };
        terminal.controls.iter().rfind(told).cloned()
    };
    terminal.until(&format!("notice {text:?}"), PATIENCE, told).await
}

async fn extend(session: &Session) -> Value {
    ok(session.request(Method::POST, "/extend").send().await.unwrap(), 200).await
}

#[tokio::test]
async fn an_unused_session_is_warned_and_stops_with_its_reason_and_its_files() {
    let session = impatient().await.user().await.ready_session().await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    shell.run("echo last > last.txt").await;
    drop(shell);
    let left = Instant::now();
    let warned = ending(&mut events, &json!("idle")).await;
    assert!(warned["at"].is_string() && left.elapsed() < IDLE, "{warned} after {:?}", left.elapsed());
    let cold = events.state("cold", READY).await;
    assert!(left.elapsed() >= IDLE, "{:?}", left.elapsed());
    assert_eq!(cold["reason"], "stopped after 4 s without use");
    let stored = session.get().await;
    assert_eq!((&stored["reason"], &stored["ends_at"]), (&cold["reason"], &Value::Null));
    assert_eq!(session.read("last.txt").await.unwrap(), b"last\n");
    let refused = session.request(Method::POST, "/extend").send().await.unwrap();
    assert_eq!(problem(refused).await, (409, "not_ready".into()));
}

#[tokio::test]
async fn whoever_types_or_extends_keeps_a_session_and_a_forgotten_tab_does_not() {
    let session = impatient().await.user().await.ready_session().await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    let used = Instant::now();
    // A terminal is open: longer than without, but not for ever.
    let told = notice(&mut shell, "because nobody uses it. Type anything, or press Extend, to keep it.").await;
    assert_eq!(told["level"], "warning");
    assert!(used.elapsed() > IDLE, "{:?}", used.elapsed());
    ending(&mut events, &json!("idle")).await;
    shell.type_text("x").await;
    assert_eq!(ending(&mut events, &Value::Null).await["at"], Value::Null);

    ending(&mut events, &json!("idle")).await;
    let kept = extend(&session).await;
    assert_eq!((&kept["state"], &kept["ends_at"], &kept["ends_why"]), (&json!("ready"), &Value::Null, &Value::Null));
    ending(&mut events, &Value::Null).await;
    let used = Instant::now();
    ending(&mut events, &json!("idle")).await;
    assert_eq!(events.state("cold", READY).await["reason"], "stopped after 4 s without use");
    assert!(used.elapsed() + Duration::from_millis(100) >= WATCHED, "{:?}", used.elapsed());
    assert_eq!(shell.close_code(PATIENCE).await, Some(4503));
}

#[tokio::test]
async fn closing_the_tab_ends_no_program_and_a_busy_one_keeps_its_session() {
    let session = impatient().await.user().await.ready_session().await;
    let busy = "import os, time\nprint(os.getpid(), flush=True)\nwhile True: pass";
    let mut terminal = session.program(&["python3", "-c", busy]).await;
    terminal.expect("\r\n").await;
    let (id, pid) = (terminal.id.clone(), terminal.text().trim().parse::<u64>().unwrap());
    // The tab is closed, and nobody asks for anything for much longer than an unused session has.
    drop(terminal);
    tokio::time::sleep(IDLE * 3).await;
    assert_eq!(session.get().await["state"], "ready");
    let again = Terminal::attach(&session, &id, Some(0)).await;
    let running = session.request(Method::GET, "/processes").send().await.unwrap();
    let running = ok(running, 200).await;
    assert!(running["items"].as_array().unwrap().iter().any(|process| process["pid"] == pid), "{running}");
    drop(again);
    let stopped = session.request(Method::DELETE, &format!("/processes/{pid}")).send().await.unwrap();
    assert_eq!(stopped.status(), 204);
    let cold = async || (session.get().await["state"] == "cold").then_some(());
    eventually(READY, "without it the session ends", cold).await;
}

#[tokio::test]
async fn a_maximum_life_ends_what_is_used_unless_it_is_extended() {
    let settings = [("CARREL_SANDBOX__IDLE_SECONDS", "0"), ("CARREL_SANDBOX__MAX_LIFE_SECONDS", "10")];
    let server = Server::start_with(&settings).await;
    let user = server.user().await;
    let (kept, other) = (user.ready_session().await, user.ready_session().await);
    let (mut events, mut others) = (kept.events().await, other.events().await);
    let mut shell = other.shell().await;
    ending(&mut events, &json!("life")).await;
    // A page that comes now learns it from the greeting.
    let greeted = kept.events().await;
    assert!(greeted.hello["session"]["ends_at"].is_string(), "{}", greeted.hello);
    assert_eq!(greeted.hello["session"]["ends_why"], "life");
    assert_eq!(extend(&kept).await["ends_at"], Value::Null);
    ending(&mut events, &Value::Null).await;
    notice(&mut shell, "run for as long as it may").await;
    // It is used until the end.
    shell.type_text("echo still here\n").await;
    assert_eq!(others.state("cold", READY).await["reason"], "stopped after its maximum life of 10 s");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(kept.get().await["state"], "ready");
    // The hour that was granted outlives the server.
    server.kill_9().await;
    server.start_again().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(kept.get().await["state"], "ready");
    let mut events = kept.events().await;
    assert!(events.next(Duration::from_secs(3)).await.is_some_and(|event| event["type"] != "ending"));
}
