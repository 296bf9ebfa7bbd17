//! The probes of `sandbox/probes`, run as a user would: saved in the editor, started in a terminal.

use std::time::Duration;

use serde_json::Value;

use crate::support::client::Session;
use crate::support::process::Server;
use crate::support::terminal::{PATIENCE, Terminal};

/// What a probe may take on a machine with better things to do.
const LONG: Duration = Duration::from_secs(120);

async fn session() -> Session {
    Server::shared().await.user().await.ready_session().await
}

/// Saves a probe and runs it to its end; the JSON lines it printed and its exit code.
async fn probe(session: &Session, program: &str, arguments: &[&str]) -> (Vec<Value>, Value) {
    session.save("probe.py", program).await;
    let command: Vec<_> = ["python3", "probe.py"].into_iter().chain(arguments.iter().copied()).collect();
    let mut terminal = session.program(&command).await;
    let exited = |terminal: &Terminal| terminal.controls.iter().find(|control| control["type"] == "exit").cloned();
    let exit = terminal.until("the probe's end", LONG, exited).await;
    let text = terminal.text();
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?} in {text}"));
    (text.lines().map(line).collect(), exit)
}

async fn all_safe(program: &str, arguments: &[&str], at_least: usize) {
    let (lines, exit) = probe(&session().await, program, arguments).await;
    let unsafe_ones: Vec<_> = lines.iter().filter(|line| line["safe"] != true).collect();
    assert!(unsafe_ones.is_empty() && exit["code"] == 0, "{exit} {unsafe_ones:#?}");
    assert!(lines.len() >= at_least, "only {} checks", lines.len());
}

#[tokio::test]
async fn nothing_forbidden_gets_through_and_the_agent_is_out_of_reach() {
    all_safe(include_str!("../../../sandbox/probes/isolation.py"), &["--agent"], 80).await;
}

#[tokio::test]
async fn ordinary_programs_work_in_a_terminal() {
    all_safe(include_str!("../../../sandbox/probes/harmless.py"), &[], 10).await;
}

#[tokio::test]
async fn a_fork_bomb_is_held_and_ctrl_c_ends_it() {
    let session = session().await;
    let (lines, _) = probe(&session, include_str!("../../../sandbox/probes/forkbomb.py"), &[]).await;
    assert_eq!(lines[0]["error"], "EAGAIN");
    assert!(lines[0]["children"].as_u64().unwrap() < 256, "{}", lines[0]);
    let mut wild = session.program(&["python3", "probe.py", "--wild"]).await;
    wild.expect("running wild").await;
    wild.type_text("\u{3}").await;
    wild.exit().await;
    // Its children are of the same group and are gone, too: there is room again.
    let mut shell = session.shell().await;
    assert_eq!(shell.run("echo still here").await, ("still here\n".into(), 0));
    session.save("after.txt", "saved").await;
}

#[tokio::test]
async fn a_memory_bomb_dies_alone_and_its_user_is_told() {
    let session = session().await;
    let mut events = session.events().await;
    let mut shell = session.shell().await;
    let (lines, _) = probe(&session, include_str!("../../../sandbox/probes/memorybomb.py"), &[]).await;
    assert_eq!(lines[0]["signal"], 9, "{}", lines[0]);
    assert!(lines[0]["reached_mib"].as_u64().unwrap() < 1024, "{}", lines[0]);
    let told = events.notice("python3 was ended: it needed more than 1024 MiB", PATIENCE).await;
    assert_eq!(told["level"], "warning");
    assert_eq!(shell.run("echo still here").await, ("still here\n".into(), 0));
    assert_eq!(session.get().await["state"], "ready");
}

#[tokio::test]
async fn a_full_disk_is_full_for_nobody_else() {
    let session = session().await;
    let fill = include_str!("../../../sandbox/probes/diskfill.py");
    let (lines, _) = probe(&session, fill, &["/workspace"]).await;
    assert_eq!(lines[0]["error"], "ENOSPC", "{}", lines[0]);
    // On a volume, what folders need beside the content is room for content, too.
    let most = (256 + 256 / 32 + 2) << 20;
    assert!((256 << 20..=most).contains(&lines[0]["count"].as_u64().unwrap()), "{}", lines[0]);
    let (lines, _) = probe(&session, fill, &["/workspace", "--inodes"]).await;
    assert_eq!(lines[0]["error"], "ENOSPC", "{}", lines[0]);
    let files = lines[0]["count"].as_u64().unwrap();
    assert!((60_000..=66_000).contains(&files), "{files} files");
    let (lines, _) = probe(&session, fill, &["/tmp"]).await;
    assert_eq!(lines[0]["error"], "ENOSPC", "{}", lines[0]);
    // It has cleaned up behind itself; everything works again, and the tree holds what it should.
    session.save("after.txt", "saved").await;
    let clean = async || {
        let tree = session.tree().await;
        (tree.keys().collect::<Vec<_>>() == ["after.txt", "probe.py"]).then_some(())
    };
    crate::support::client::eventually(LONG, "a tree without the scratch files", clean).await;
}

#[tokio::test]
async fn kill_9_minus_1_ends_the_programs_and_not_the_sandbox() {
    let session = session().await;
    session.save("kept.txt", "kept").await;
    let mut bystander = session.program(&["sleep", "1000"]).await;
    let mut shell = session.shell().await;
    shell.line("kill -9 1; kill -9 -1; kill -9 $$").await;
    assert_eq!(shell.exit().await["signal"], 9);
    assert_eq!(bystander.exit().await["signal"], 9);
    let mut shell = session.shell().await;
    assert_eq!(shell.run("cat kept.txt").await, ("kept".into(), 0));
    assert_eq!(session.get().await["state"], "ready");
    session.save("kept.txt", "changed").await;
    assert_eq!(shell.run("cat kept.txt").await.0, "changed");
}

#[tokio::test]
async fn two_sandboxes_know_nothing_of_each_other() {
    let user = Server::shared().await.user().await;
    let (one, two) = (user.ready_session().await, user.ready_session().await);
    one.save("secret-of-one.txt", "secret").await;
    let mut busy = one.program(&["sleep", "4242"]).await;
    let mut shell = two.shell().await;
    let found = shell
        .run("find / -name 'secret-of-one*' 2>/dev/null; ps -eo args | grep -c '[s]leep 4242'; command ls /run/carrel")
        .await
        .0;
    assert_eq!(found, "0\nagent.sock\n");
    busy.type_text("\u{3}").await;
    busy.exit().await;
}
