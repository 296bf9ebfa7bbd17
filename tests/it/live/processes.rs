//! What runs in a session: listed, stopped, measured, named when it had to go; and terminals with other names.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Session, eventually, ok, problem};
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

async fn processes(session: &Session) -> Vec<Value> {
    let list = ok(session.request(Method::GET, "/processes").send().await.unwrap(), 200).await;
    list["items"].as_array().unwrap().clone()
}

async fn stop(session: &Session, pid: &str) -> reqwest::Response {
    session.request(Method::DELETE, &format!("/processes/{pid}")).send().await.unwrap()
}

#[tokio::test]
async fn programs_are_listed_with_their_terminal_and_can_be_stopped() {
    let session = Server::shared().await.user().await.session().await;
    assert_eq!(processes(&session).await, Vec::<Value>::new(), "nothing runs in a cold session");
    assert_eq!(problem(stop(&session, "7").await).await.0, 404);
    session.start().await;
    let mut shell = session.shell().await;
    shell.line("sleep 4321 & python3 -c 'while True: pass'").await;
    let both = eventually(PATIENCE, "both programs", async || {
        let list = processes(&session).await;
        // The kernel counts a program's first pages some time after it has given them.
        let has_memory = |process: &&Value| process["memory_bytes"].as_u64().unwrap() > 0;
        let called = |text: &str| list.iter().find(|process| process["command"].as_str().unwrap().starts_with(text));
        let find = |text: &str| called(text).filter(has_memory);
        Some((find("sleep 4321")?.clone(), find("python3 -c")?.clone(), list.clone()))
    })
    .await;
    let (sleeping, busy, all) = both;
    assert!(all.iter().all(|process| process["pid"] != 1 && process["terminal"] == *shell.id), "{all:#?}");
    assert!(all.iter().any(|process| process["pid"] == busy["parent"]), "the shell: {all:#?}");
    assert_eq!(sleeping["cpu_percent"], 0.0, "{sleeping}");
    eventually(PATIENCE, "it takes a CPU", async || {
        let list = processes(&session).await;
        let busy = list.iter().find(|process| process["pid"] == busy["pid"])?;
        (busy["cpu_percent"].as_f64()? > 20.0).then_some(())
    })
    .await;

    assert_eq!(stop(&session, &busy["pid"].to_string()).await.status(), 204);
    shell.expect("Terminated").await;
    for nobody in ["1", "0", "999999", "-1", "x", "4294967296"] {
        assert_eq!(problem(stop(&session, nobody).await).await, (404, "not_found".into()), "{nobody}");
    }
    // One that will not go is made to.
    let mut stubborn = session.program(&["bash", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]).await;
    stubborn.expect("up").await;
    let pid = session.terminals().await.iter().find(|it| it["id"] == *stubborn.id).unwrap()["pid"].to_string();
    assert_eq!(stop(&session, &pid).await.status(), 204);
    assert_eq!(stubborn.exit().await["signal"], 9);
}

#[tokio::test]
async fn a_page_is_told_what_the_sandbox_takes() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut events = session.events().await;
    session.save("weight", vec![7; 3 << 20]).await;
    let _busy = session.program(&["python3", "-c", "while True: pass"]).await;
    let measured = |event: &Value| event["type"] == "usage" && event["cpu_percent"].as_f64().unwrap() > 20.0;
    let (usage, _) = events.until("usage of a busy sandbox", PATIENCE, measured).await;
    assert_eq!((&usage["cpus"], &usage["memory_limit_bytes"]), (&json!(1.0), &json!(1024_u64 << 20)));
    assert_eq!((&usage["disk_limit_bytes"], &usage["processes_limit"]), (&json!(256_u64 << 20), &json!(256)));
    assert!(usage["cpu_percent"].as_f64().unwrap() <= 100.0, "{usage}");
    let between = |name: &str, least: u64, most: u64| (least..most).contains(&usage[name].as_u64().unwrap());
    assert!(between("disk_bytes", 3 << 20, 8 << 20), "{usage}");
    assert!(between("memory_bytes", 1 << 20, 512 << 20) && between("processes", 1, 10), "{usage}");
}

#[tokio::test]
async fn a_program_started_in_a_shell_is_named_when_it_needs_too_much_memory() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    shell.line("python3 -c 'x = b\"1\" * (3 << 30)'").await;
    let told = "python3 was ended: it needed more than 1024 MiB";
    assert_eq!(events.notice(told, PATIENCE).await["level"], "warning");
    let seen = |terminal: &Terminal| {
        terminal.controls.iter().find(|control| control["type"] == "notice" && control["text"] == told).cloned()
    };
    shell.until("the same in the terminal", PATIENCE, seen).await;
    shell.expect("Killed").await;
    assert_eq!(shell.run("echo still here").await, ("still here\n".into(), 0));
    assert_eq!(session.get().await["state"], "ready");
    // Once is enough.
    let again = async {
        loop {
            match events.next(Duration::from_secs(2)).await {
                Some(event) if event["type"] == "notice" => return Some(event),
                Some(_) => {}
                None => return None,
            }
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(2), again).await;
    assert!(again.is_err() || again == Ok(None), "{again:?}");
}

#[tokio::test]
async fn a_terminal_gets_another_name_everywhere() {
    let session = Server::shared().await.user().await.ready_session().await;
    let mut events = session.events().await;
    let shell = session.shell().await;
    let rename = async |name: &str| {
        let path = format!("/terminals/{}", shell.id);
        session.request(Method::PATCH, &path).json(&json!({ "name": name })).send().await.unwrap()
    };
    let renamed = ok(rename("  Tests ✓ ").await, 200).await;
    assert_eq!((&renamed["name"], &renamed["id"]), (&json!("Tests ✓"), &json!(shell.id)));
    let told = |event: &Value| event["type"] == "terminals" && event["items"][0]["name"] == "Tests ✓";
    events.until("the name", PATIENCE, told).await;
    for bad in ["", "  ", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
        assert_eq!(problem(rename(bad).await).await, (422, "invalid_name".into()), "{bad:?}");
    }
    let nothing = session.path(&format!("/terminals/{}", uuid::Uuid::now_v7()));
    let nothing = session.client.request(Method::PATCH, &nothing).json(&json!({ "name": "x" })).send().await.unwrap();
    assert_eq!(problem(nothing).await, (404, "not_found".into()));
    assert_eq!(Terminal::attach(&session, &shell.id, None).await.hello["name"], "Tests ✓");
}
