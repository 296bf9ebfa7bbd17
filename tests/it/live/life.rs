//! A session stopped, started, restarted, deleted; its sandbox dying under it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use carrel::config::EngineConfig;
use carrel::engine::{ContainerId, Engine};

use crate::support::client::{READY, Session, eventually, ok, problem};
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// An operator's view of the engine of a server.
pub async fn engine(server: &Server) -> Engine {
    let instance = std::fs::read_to_string(server.data.join("instance")).unwrap().trim().parse().unwrap();
    let host = server.engine_host();
    Engine::connect(&EngineConfig::default(), &host, instance).await.unwrap()
}

/// The containers of a server of whom nobody but the test has a session.
pub async fn containers(engine: &Engine) -> Vec<ContainerId> {
    engine.list().await.unwrap().into_iter().map(|found| found.container).collect()
}

/// Makes every change to `state` take two seconds, and end so.
async fn stall(server: &Server, state: &str, end: &str) {
    let stall = format!(
        "create sequence stalled;
        create function stall() returns trigger language plpgsql as $$ begin
            perform nextval('stalled');
            perform pg_sleep(2);
            {end};
        end $$;
        create trigger stall before update on sessions for each row
            when (new.state = '{state}' and old.state <> '{state}') execute function stall()"
    );
    server.sql(&stall).await;
}

/// Waits until such a change has begun.
async fn stalled(server: &Server) {
    let begun = "do $$ begin
        for attempt in 1..1000 loop
            if (select is_called from stalled) then return; end if;
            perform pg_sleep(0.02);
        end loop;
        raise 'not begun';
    end $$";
    server.sql(begun).await;
}

async fn post(session: &Session, what: &str, status: u16) -> serde_json::Value {
    ok(session.request(Method::POST, what).send().await.unwrap(), status).await
}

#[tokio::test]
async fn a_stopped_session_keeps_its_files_and_starts_again() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    let engine = engine(&server).await;
    let mut shell = session.shell().await;
    // The very last moment: the change is collected by the stop itself.
    shell.run("mkdir d && echo last > d/last.txt").await;
    session.stop().await;
    assert_eq!(shell.close_code(PATIENCE).await, Some(4503));
    assert_eq!(session.get().await["reason"], "stopped by you");
    assert_eq!(session.terminals().await, Vec::<serde_json::Value>::new());
    let none = async || containers(&engine).await.is_empty().then_some(());
    eventually(PATIENCE, "no container", none).await;
    assert_eq!(session.read("d/last.txt").await.unwrap(), b"last\n");
    // A cold session can be edited; opening a terminal starts it.
    session.save("d/cold.txt", "cold").await;
    let mut shell = session.shell().await;
    assert_eq!(shell.run("cat d/last.txt d/cold.txt").await.0, "last\ncold");
    assert_eq!(session.get().await["state"], "ready");
    let gone = Terminal::try_attach(&session, &uuid::Uuid::now_v7().to_string(), None).await;
    assert!(gone.is_err());

    let mut events = session.events().await;
    post(&session, "/restart", 202).await;
    events.state("stopping", READY).await;
    events.state("starting", READY).await;
    events.state("ready", READY).await;
    assert_eq!(session.in_sandbox("d/cold.txt").await, b"cold");
    assert_eq!(containers(&engine).await.len(), 1);

    let answer = session.request(Method::DELETE, "").send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(problem(session.request(Method::GET, "").send().await.unwrap()).await, (404, "not_found".into()));
    assert_eq!(problem(session.request(Method::GET, "/tree").send().await.unwrap()).await.0, 404);
    eventually(PATIENCE, "no container", none).await;
}

#[tokio::test]
async fn starting_twice_stopping_while_starting_and_starting_while_stopping_end_well() {
    let server = Server::start().await;
    let session = server.user().await.session().await;
    session.save("a", "a").await;
    let engine = engine(&server).await;
    let mut events = session.events().await;
    let (one, two) = tokio::join!(post(&session, "/start", 202), post(&session, "/start", 202));
    assert_eq!((&one["state"], &two["state"]), (&json!("starting"), &json!("starting")));
    // Told to stop while it is on its way: done when it has arrived.
    post(&session, "/stop", 202).await;
    let cold = events.state("cold", READY).await;
    assert_eq!(cold["reason"], "stopped by you");
    post(&session, "/start", 202).await;
    events.state("ready", READY).await;
    assert_eq!(containers(&engine).await.len(), 1);
    post(&session, "/stop", 202).await;
    let again = post(&session, "/start", 202).await;
    assert!(["stopping", "starting"].contains(&again["state"].as_str().unwrap()), "{again}");
    events.state("ready", READY).await;
    assert_eq!(session.in_sandbox("a").await, b"a");
    let one = async || (containers(&engine).await.len() == 1).then_some(());
    eventually(PATIENCE, "one container", one).await;
}

#[tokio::test]
async fn a_restart_asked_for_while_stopping_starts_again_and_a_stop_after_that_does_not() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    let mut events = session.events().await;
    post(&session, "/stop", 202).await;
    post(&session, "/restart", 202).await;
    events.state("cold", READY).await;
    events.state("ready", READY).await;
    post(&session, "/restart", 202).await;
    post(&session, "/stop", 202).await;
    events.state("cold", READY).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(session.get().await["state"], "cold");
}

#[tokio::test]
async fn a_stop_waits_for_a_database_that_takes_nothing_and_loses_no_change() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
        create trigger refuse before insert on workspace_items for each row execute function refuse()";
    server.sql(refuse).await;
    let mut shell = session.shell().await;
    shell.run("echo kept > kept.txt").await;
    let mut events = session.events().await;
    post(&session, "/stop", 202).await;
    let trying = |event: &serde_json::Value| {
        event["type"] == "notice" && event["text"].as_str().is_some_and(|text| text.contains("before stopping"))
    };
    events.until("a word to its user", READY, trying).await;
    assert_eq!(session.get().await["state"], "stopping");
    server.sql("drop trigger refuse on workspace_items").await;
    events.state("cold", READY).await;
    assert_eq!(session.read("kept.txt").await.unwrap(), b"kept\n");
}

#[tokio::test]
async fn who_waits_for_a_start_that_cannot_be_written_down_is_told_so() {
    let server = Server::start().await;
    let session = server.user().await.session().await;
    stall(&server, "starting", "raise 'no'").await;
    let terminal = async || {
        stalled(&server).await;
        let began = Instant::now();
        let answer = session.post("/terminals", &json!({ "cols": 80, "rows": 24 })).await;
        (answer.status().as_u16(), began.elapsed())
    };
    let (started, (status, waited)) = tokio::join!(session.request(Method::POST, "/start").send(), terminal());
    assert_eq!(started.unwrap().status().as_u16(), status, "both are told the same");
    assert!(status >= 500 && waited < PATIENCE, "{status} after {waited:?}");
    server.sql("drop trigger stall on sessions").await;
    session.start().await;
}

#[tokio::test]
async fn who_waits_for_a_session_that_is_stopped_before_it_is_ready_does_not_start_it_again() {
    let server = Server::start().await;
    let session = server.user().await.session().await;
    stall(&server, "ready", "return new").await;
    let mut events = session.events().await;
    let stop = async || {
        stalled(&server).await;
        post(&session, "/stop", 202).await;
    };
    let size = json!({ "cols": 80, "rows": 24 });
    let (terminal, ()) = tokio::join!(session.post("/terminals", &size), stop());
    assert_eq!(problem(terminal).await, (409, "not_ready".into()));
    events.state("cold", READY).await;
}

#[tokio::test]
async fn a_session_deleted_while_it_starts_leaves_no_container() {
    let server = Server::start().await;
    let engine = engine(&server).await;
    let user = server.user().await;
    for wait in [0, 100, 300] {
        let session = user.session().await;
        post(&session, "/start", 202).await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        assert_eq!(session.request(Method::DELETE, "").send().await.unwrap().status(), 204);
        assert_eq!(session.request(Method::GET, "").send().await.unwrap().status(), 404);
    }
    // Looked at twice: the start must have come to its end.
    let none = async || containers(&engine).await.is_empty().then_some(());
    for _ in 0..2 {
        eventually(PATIENCE, "no container", none).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_killed_sandbox_is_seen_within_five_seconds_and_opening_restores_every_file() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    let engine = engine(&server).await;
    let mut files = Vec::new();
    for n in 0..200_u32 {
        let (path, content) = (format!("d{}/f{n}.bin", n % 7), vec![n.to_le_bytes()[0]; n as usize * 7]);
        session.save(&path, content.clone()).await;
        files.push((path, content));
    }
    let mut shell = session.shell().await;
    let mut events = session.events().await;
    let killed = Instant::now();
    engine.kill(&containers(&engine).await[0]).await.unwrap();
    let state = events.state("cold", Duration::from_secs(5)).await;
    assert!(killed.elapsed() < Duration::from_secs(5));
    let reason = state["reason"].as_str().unwrap();
    assert!(reason.contains("ended from outside") && reason.contains("137"), "{reason}");
    assert_eq!(shell.close_code(PATIENCE).await, Some(4503));
    assert_eq!(session.get().await["reason"], reason);
    let cleaned = async || containers(&engine).await.is_empty().then_some(());
    eventually(PATIENCE, "the dead container is removed", cleaned).await;

    session.start().await;
    let program = "
import hashlib, os
for folder, _, names in sorted(os.walk('.')):
    for name in sorted(names):
        path = os.path.join(folder, name)
        print(path[2:], len(open(path, 'rb').read()))
";
    let mut listing = session.program(&["python3", "-c", program]).await;
    assert_eq!(listing.exit().await["code"], 0);
    let text = listing.text();
    for (path, content) in &files {
        assert!(text.contains(&format!("{path} {}\r\n", content.len())), "{path}");
    }
    assert_eq!(text.lines().count(), files.len());
    assert_eq!(session.in_sandbox("d3/f199.bin").await, files[199].1);
}

#[tokio::test]
async fn a_session_with_many_files_of_several_chunks_opens_again_with_every_byte() {
    let server = Server::start().await;
    let session = server.user().await.session().await;
    let pattern: Vec<u8> = (0..=250).collect();
    for n in 0..30 {
        let content: Vec<u8> = pattern.iter().cycle().skip(n).take(100_000 + n * 6_500).copied().collect();
        session.save(&format!("data/{n}.bin"), content).await;
    }
    session.start().await;
    let program = "
pattern = bytes(range(251)) * 1300
right = [open(f'data/{n}.bin', 'rb').read() == pattern[n:n + 100_000 + n * 6_500] for n in range(30)]
print('whole:', sum(right))
";
    let mut check = session.program(&["python3", "-c", program]).await;
    assert_eq!(check.exit().await["code"], 0, "{}", check.text());
    assert!(check.text().contains("whole: 30"), "{}", check.text());
}

#[tokio::test]
async fn sandboxes_that_are_removed_by_hand_are_missed_too() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    let engine = engine(&server).await;
    session.save("a", "a").await;
    let mut events = session.events().await;
    engine.remove(&containers(&engine).await[0]).await.unwrap();
    events.state("cold", Duration::from_secs(5)).await;
    session.start().await;
    assert_eq!(session.in_sandbox("a").await, b"a");
}

#[tokio::test]
async fn a_session_whose_files_cannot_all_be_restored_fails_with_its_reason_and_never_starts_empty() {
    let server = Server::start().await;
    let session = server.user().await.session().await;
    let engine = engine(&server).await;
    session.save("whole.txt", "whole").await;
    session.save("broken.txt", "x".repeat(10_000)).await;
    server.sql("create table kept as select * from blobs; update blobs set encoded = '\\x00' where size = 10000").await;
    let mut events = session.events().await;
    post(&session, "/start", 202).await;
    let failed = events.state("failed", READY).await;
    assert!(!failed["reason"].as_str().unwrap().is_empty(), "{failed}");
    let none = async || containers(&engine).await.is_empty().then_some(());
    eventually(PATIENCE, "no container", none).await;
    assert_eq!(session.read("whole.txt").await.unwrap(), b"whole");
    let refused = session.post("/terminals", &json!({ "cols": 80, "rows": 24 })).await;
    assert_eq!(problem(refused).await, (503, "start_failed".into()));

    server.sql("update blobs set encoded = kept.encoded from kept where kept.hash = blobs.hash").await;
    session.start().await;
    assert_eq!(session.in_sandbox("broken.txt").await, "x".repeat(10_000).as_bytes());
}

#[tokio::test]
async fn nothing_is_saved_past_a_sandbox_that_runs_and_is_not_reached() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    session.save("saved.txt", "as saved").await;
    server.kill_9().await;
    // As after an agent that was silent for too long.
    server.sql("update sessions set state = 'failed', reason = 'its sandbox cannot be reached'").await;
    server.start_again().await;
    let refused = ok(session.put("saved.txt", "newer", &[]).await, 503).await;
    assert_eq!(refused["code"], "unavailable");
    assert!(refused["detail"].as_str().unwrap().contains("open it, or restart it to give that up"), "{refused}");
    assert_eq!(session.read("saved.txt").await.unwrap(), b"as saved");
    session.start().await;
    session.save("saved.txt", "newer").await;
    assert_eq!(session.in_sandbox("saved.txt").await, b"newer");
}
