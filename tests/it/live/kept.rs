//! What survives: the server's death, its goodbye, and the fall of one of its actors.

use std::time::Duration;

use serde_json::Value;

use crate::support::client::eventually;
use crate::support::counter::{counting, counts_on};
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

#[tokio::test]
async fn after_kill_9_the_program_counts_on_no_byte_is_missing_and_every_acknowledged_save_is_there() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    let mut terminal = counting(&session, 100).await;
    // A writer that is in the middle of saving when the server dies: what was acknowledged counts, and nothing else.
    let (tell, mut saved) = tokio::sync::watch::channel(0);
    let saving = tokio::spawn({
        let session = session.clone();
        async move {
            let mut acknowledged = Vec::new();
            for n in 0_u32.. {
                let path = format!("saves/{}.txt", n % 10);
                let request = session.client.request(reqwest::Method::PUT, &session.file(&path)).body(n.to_string());
                match request.send().await {
                    Ok(answer) if answer.status().is_success() => acknowledged.push((path, n)),
                    _ => return acknowledged,
                }
                tell.send_replace(acknowledged.len());
            }
            unreachable!()
        }
    });
    terminal.expect("line 0000000200").await;
    // Every file was saved, and some were saved again.
    tokio::time::timeout(PATIENCE, saved.wait_for(|saved| *saved > 10)).await.expect("saves").unwrap();
    server.kill_9().await;
    let acknowledged = saving.await.unwrap();
    assert_eq!(terminal.close_code(PATIENCE).await, None, "killed servers say nothing");
    server.start_again().await;

    terminal.reconnect().await;
    counts_on(&mut terminal).await;
    let state = session.get().await;
    assert_eq!(state["state"], "ready", "{state}");
    for slot in 0..10 {
        let path = format!("saves/{slot}.txt");
        let Some((_, last)) = acknowledged.iter().rev().find(|(saved, _)| *saved == path) else { continue };
        let read: u32 = String::from_utf8(session.read(&path).await.unwrap()).unwrap().parse().unwrap();
        // The one save that was under way may have been committed without its answer.
        assert!(read == *last || read == acknowledged.len() as u32, "{path}: acknowledged {last}, is {read}");
        assert_eq!(session.in_sandbox(&path).await, read.to_string().as_bytes(), "both sides agree");
    }
    terminal.type_text("\u{3}").await;
    assert_eq!(terminal.exit().await["code"], 130);
}

#[tokio::test]
async fn what_programs_do_while_no_server_runs_is_there_afterwards() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    session.save("gone.txt", "x").await;
    session.save("stays.txt", "y").await;
    let program = "
import os, time
print('ready', flush=True)
while not os.path.exists('/tmp/go'): time.sleep(0.02)
open('made.txt', 'w').write('made'); os.remove('gone.txt'); open('stays.txt', 'a').write('z')
print('done', flush=True)
";
    let mut terminal = session.program(&["python3", "-c", program]).await;
    terminal.expect("ready").await;
    let mut shell = session.shell().await;
    shell.line("sleep 1; touch /tmp/go").await;
    shell.expect("touch").await;
    server.kill_9().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.start_again().await;
    terminal.reconnect().await;
    terminal.expect("done").await;
    let there = async || {
        let tree = session.tree().await;
        (tree.contains_key("made.txt") && !tree.contains_key("gone.txt")).then_some(())
    };
    eventually(PATIENCE, "the changes", there).await;
    assert_eq!(session.read("stays.txt").await.unwrap(), b"yz");
}

#[tokio::test]
async fn a_polite_end_leaves_the_sandboxes_running_for_the_next_start() {
    let server = Server::start_with(&[("CARREL_POOL__SIZE", "1")]).await;
    let session = server.user().await.ready_session().await;
    let mut terminal = counting(&session, 100).await;
    let mut events = session.events().await;
    let (status, took) = server.terminate().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(terminal.close_code(PATIENCE).await, Some(1001));
    while events.next(Duration::from_secs(1)).await.is_some() {}
    assert_eq!(events.closed, Some(1001));

    server.start_again().await;
    terminal.reconnect().await;
    counts_on(&mut terminal).await;
    assert_eq!(session.get().await["state"], "ready");
    assert_eq!(session.terminals().await.len(), 1);
}

#[tokio::test]
async fn a_server_killed_while_a_session_starts_finds_its_way_back() {
    let server = Server::start().await;
    let user = server.user().await;
    for wait in [50, 250, 500] {
        let session = user.session().await;
        session.save("a", "a").await;
        let started = session.request(reqwest::Method::POST, "/start").send().await.unwrap();
        assert_eq!(started.status(), 202);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        server.kill_9().await;
        server.start_again().await;
        let settled = async || {
            let now: Value = session.get().await;
            ["cold", "ready"].contains(&now["state"].as_str().unwrap()).then_some(now)
        };
        let now = eventually(PATIENCE, "a settled state", settled).await;
        assert!(now["state"] == "ready" || now["reason"].is_string(), "a reason for its user: {now}");
        assert_eq!(session.in_sandbox("a").await, b"a");
        session.stop().await;
    }
}

#[tokio::test]
async fn a_save_in_the_first_moment_after_a_restart_is_not_undone_by_what_the_sandbox_still_holds() {
    let server = Server::start().await;
    let session = server.user().await.ready_session().await;
    for round in 0..3 {
        session.save("early.txt", format!("before {round}")).await;
        server.kill_9().await;
        server.start_again().await;
        let text = format!("after {round}");
        // Refused while the sandbox is away, perhaps; but once it is acknowledged it counts.
        let saved = async || session.put("early.txt", text.clone(), &[]).await.status().is_success().then_some(());
        eventually(PATIENCE, "an acknowledged save", saved).await;
        assert_eq!(session.in_sandbox("early.txt").await, text.as_bytes());
        assert_eq!(session.read("early.txt").await.unwrap(), text.as_bytes());
    }
}
